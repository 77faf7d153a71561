// What there is to see, for who is here for the first time.
import { button, h } from '../lib/dom.js';
import { remember, remembered } from '../lib/store.js';
import { text } from '../lib/text.js';

const name = 'menshen.toured';

/** @returns {HTMLElement} */
export function tour() {
  if (remembered(name)) return h('div', { hidden: true });
  const element = h('section', { class: 'card tour', 'aria-labelledby': 'tour' },
    h('h2', { id: 'tour' }, text.tour),
    h('ol', {}, ...text.tourSteps.map((step) => h('li', {}, step))),
    button(text.tourDone, () => { remember(name, '1'); element.remove(); }, { class: 'quiet' }));
  return element;
}
