// SPDX-License-Identifier: MIT
// The one place where HTML text becomes elements. Only what Markdown needs passes; no styles, no forms, no media, no ids.
import DOMPurify from 'dompurify';

const markdownTags = [
  'a', 'b', 'blockquote', 'br', 'code', 'del', 'div', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'i', 'kbd', 'li', 'mark',
  'ol', 'p', 'pre', 's', 'span', 'strong', 'sub', 'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul',
];

const fixed = {
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOW_UNKNOWN_PROTOCOLS: false,
  RETURN_DOM_FRAGMENT: true as const,
};

/** Elements for HTML made from Markdown. Links keep only absolute web and mail addresses. */
export function markdownFragment(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ...fixed,
    ALLOWED_TAGS: markdownTags,
    ALLOWED_ATTR: ['align', 'class', 'data-display', 'data-language', 'href', 'start', 'title'],
    // The pattern would be held against every attribute; these never hold an address.
    ADD_URI_SAFE_ATTR: ['align', 'data-display', 'data-language', 'start'],
    ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  });
}

/** Elements for highlighted code: text in spans with classes. */
export function codeFragment(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, { ...fixed, ALLOWED_TAGS: ['span'], ALLOWED_ATTR: ['class'] });
}
