const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as it stands in HTML or XML, in content and in quoted attributes. What XML cannot hold is shown as U+FFFD. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => entities[character] ?? character)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
}

/** Text with Markdown's code and emphasis as markup. */
export function inlineCode(text: string): string {
  return escapeMarkup(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*?([^*\n]+)\*\*?/g, '<em>$1</em>')
}

/** A table that may be wider than a narrow screen: it scrolls by itself, by keyboard too. */
export function scrolling(name: string, table: string): string {
  return `<div class="scroll" tabindex="0" role="group" aria-label="Table: ${name}">${table}</div>`
}
