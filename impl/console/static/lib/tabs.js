// Tabs, as the ARIA Authoring Practices describe them: arrow keys move, and only the chosen one can be reached with Tab.
import { fill, h } from './dom.js';

/**
 * @param {string} label
 * @param {{name: string, label: string, show: (signal: AbortSignal) => Node}[]} tabs show makes what is below the tab, and stops what
 *     it does there when the signal says so
 * @param {string} [first] the name of the one that is chosen first
 */
export function tabs(label, tabs, first) {
  let stop = new AbortController();
  const panel = h('div', { role: 'tabpanel', id: 'panel', class: 'panel' });
  const handles = tabs.map((tab, i) => h('button', {
    type: 'button', role: 'tab', id: 'tab-' + tab.name, 'aria-controls': 'panel', onclick: () => choose(i),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const step = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      choose((step + tabs.length) % tabs.length).focus();
    },
  }, tab.label));

  /** @param {number} chosen */
  function choose(chosen) {
    stop.abort();
    stop = new AbortController();
    handles.forEach((handle, i) => {
      handle.setAttribute('aria-selected', String(i === chosen));
      handle.tabIndex = i === chosen ? 0 : -1;
    });
    const [tab, handle] = [tabs[chosen], handles[chosen]];
    if (!tab || !handle) throw new Error('no such tab');
    panel.setAttribute('aria-labelledby', handle.id);
    fill(panel, tab.show(stop.signal));
    return handle;
  }
  choose(Math.max(0, tabs.findIndex((tab) => tab.name === first)));
  return {
    element: h('div', {}, h('div', { role: 'tablist', 'aria-label': label, class: 'tabs' }, ...handles), panel),
    stop: () => stop.abort(),
  };
}
