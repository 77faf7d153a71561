// What is around every page: name, places, language.
import { reference } from '../settings.js';
import { base } from './api.js';
import { fill, find, focusOn, h } from './dom.js';
import { language, switchLanguage, text } from './text.js';

/** @typedef {'signin' | 'account' | 'phone'} Place */

/**
 * Builds a page around its content.
 * @param {Place} here
 * @param {string} title
 * @param {...Node} content
 */
export function show(here, title, ...content) {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  document.title = title + ' · Menshen 门神';
  /** @type {[Place, string, string][]} */
  const places = [['signin', './', text.signIn], ['account', 'account', text.account], ['phone', 'phone', text.phone]];
  const links = places.map(([place, href, label]) => h('li', {}, h('a', { href, 'aria-current': place === here && 'page' }, label)));
  const other = h('button', { type: 'button', class: 'quiet', lang: language === 'zh' ? 'en' : 'zh-CN', onclick: switchLanguage }, language === 'zh' ? 'English' : '中文');
  fill(
    find('body'),
    h('a', { class: 'skip', href: '#content' }, text.skip),
    h('header', {},
      h('a', { class: 'brand', href: './' }, h('img', { src: 'icon.svg', alt: '', width: 32, height: 32 }), h('span', {}, 'Menshen ', h('span', { lang: 'zh-CN' }, '门神'))),
      h('nav', { 'aria-label': text.places }, h('ul', {}, ...links)),
      other),
    h('main', { id: 'content', tabindex: -1, class: here }, said, ...content),
    h('footer', {}, h('p', {}, text.footer, ' ', reference && h('a', { href: base + 'docs/' }, text.reference), reference && ' · ', h('a', { href: base + 'openapi.yaml' }, text.contract))),
  );
}

/** What has just happened; screen readers say it, since it was there before it said something. */
const said = h('p', { role: 'status', class: 'note' });

/** @param {string} [note] */
export function tell(note = '') {
  said.textContent = note;
}

/**
 * Puts something in the place of what was there, and the focus on its heading: what had it is gone. Where there was nothing, the
 * focus stays.
 * @param {Element} place
 * @param {...Node} content
 */
export function turn(place, ...content) {
  const first = !place.hasChildNodes();
  fill(place, ...content);
  if (!first) focusOn(place.querySelector('h2'));
}

/**
 * A part of a page, with a heading.
 * @param {string} title
 * @param {...(Node | string | undefined | false)} content
 */
export function card(title, ...content) {
  const id = 'card-' + title.toLowerCase().replace(/\s+/g, '-');
  return h('section', { class: 'card', 'aria-labelledby': id }, h('h2', { id }, title), ...content);
}
