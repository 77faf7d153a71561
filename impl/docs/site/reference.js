// Swagger UI on the contract of this service.
"use strict";

// What is searched for is looked for in all of an operation. Swagger UI looks in the names of tags only, and says so in its field.
const search = ({ React }) => ({
  components: {
    FilterContainer: ({ layoutSelectors, layoutActions }) => {
      const phrase = layoutSelectors.currentFilter();
      return React.createElement("search", { className: "wrapper filter" }, React.createElement("input", {
        type: "search", className: "operation-filter-input", "aria-label": "Search operations", placeholder: "Search operations: path, name, refusal, 中文 …",
        value: phrase === true ? "" : phrase, onChange: (event) => layoutActions.updateFilter(event.target.value),
      }));
    },
  },
  wrapComponents: {
    operations: (Operations) => (props) => props.specSelectors.taggedOperations().size > 0
      ? React.createElement(Operations, props)
      : React.createElement("p", { className: "wrapper", role: "status" }, "No operation has all of these words."),
  },
  fn: {
    opsFilter: (tags, phrase) => {
      const words = phrase.toLowerCase().split(/\s+/);
      const found = (entry) => {
        const parts = ["operationId", "summary", "description", "tags"].map((name) => entry.getIn(["operation", name]));
        const text = [entry.get("method"), entry.get("path"), ...parts].join(" ").toLowerCase();
        return words.every((word) => text.includes(word));
      };
      return tags.map((tag) => tag.update("operations", (list) => list.filter(found))).filter((tag) => tag.get("operations").size > 0);
    },
  },
});

// The head of an operation is a button, and a link in it would be a second one in its place. The address names the operation anyway,
// as soon as it is opened.
const plainHeads = ({ React }) => ({ components: { DeepLink: ({ text }) => React.createElement("span", null, text) } });

// A text is its own example. Swagger UI would put the XML of a message into an element that no message has.
const plainXML = { fn: { getXmlSampleSchema: (schema, config, example) => example ?? schema.example ?? "" } };

const ui = SwaggerUIBundle({
  dom_id: "#reference",
  url: "openapi.json",
  plugins: [search, plainHeads, plainXML],
  deepLinking: true,
  filter: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  syntaxHighlight: { theme: "obsidian" },
  // Whoever opens this browser next must not find tokens in its storage.
  persistAuthorization: false,
  // Where a client has to prove itself the answer is a challenge, for which a browser would open a dialog of its own, and wait.
  requestInterceptor: (request) => {
    request.credentials = "omit";
    return request;
  },
  // By default the contract is sent to a validator on another host.
  validatorUrl: null,
});

// Swagger UI looks at the address when it starts only; links between operations change it later. An operation that is on the page
// already is not scrolled to by itself, and one that a search leaves out is not there.
window.addEventListener("hashchange", () => {
  const { layoutActions } = ui.getSystem();
  const target = document.getElementById("operations-" + location.hash.slice("#/".length).replace("/", "-"));
  if (!target) layoutActions.updateFilter("");
  layoutActions.parseDeepLinkHash(location.hash);
  if (target) target.scrollIntoView();
});

// Links in descriptions open a new window, which is right for other pages but not for operations of this one.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[target="_blank"]');
  if (link && link.getAttribute("href").startsWith("#")) link.target = "_self";
}, true);

// What Swagger UI leaves out for those who use a keyboard or do not see the page: names, and a way to reach what scrolls.
const missing = [
  [".copy-to-clipboard button", "aria-label", "Copy"],
  [".close-modal", "aria-label", "Close"],
  [".examples-select-element", "aria-label", "Examples"],
  [".body-param__text", "aria-label", "Request body"],
  [".renderedMarkdown table, pre.microlight", "tabindex", "0"],
];
const reference = document.getElementById("reference");
new MutationObserver(() => {
  for (const [selector, name, value] of missing) {
    for (const element of reference.querySelectorAll(selector)) {
      if (!element.hasAttribute(name)) element.setAttribute(name, value);
    }
  }
  // These are called something else than they show.
  for (const button of reference.querySelectorAll(".modal-btn[aria-label]")) button.removeAttribute("aria-label");
}).observe(reference, { childList: true, subtree: true });
