// Which language the console speaks, and its words.
import { en } from './en.js';
import { remember, remembered } from './store.js';
import { zh } from './zh.js';

const name = 'menshen.language';

/** @returns {'en' | 'zh'} */
function choose() {
  const chosen = remembered(name);
  if (chosen === 'en' || chosen === 'zh') return chosen;
  const first = navigator.languages.find((l) => /^(en|zh)\b/i.test(l));
  return first?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export const language = choose();
export const text = language === 'zh' ? zh : en;

/** Changes the language, which takes a new page. */
export function switchLanguage() {
  remember(name, language === 'zh' ? 'en' : 'zh');
  location.reload();
}

const dates = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en', { dateStyle: 'medium', timeStyle: 'short' });

/**
 * A moment, for people.
 * @param {string} time RFC 3339, or UTC as the base dialect writes it
 */
export function moment(time) {
  return dates.format(new Date(time.includes('T') ? time : time.replace(' ', 'T') + 'Z'));
}

/**
 * A device as it has described itself, for people.
 * @param {{browser: string, os: string}} said
 */
export function device({ browser, os }) {
  return [browser || text.unknownDevice, os].filter(Boolean).join(', ');
}
