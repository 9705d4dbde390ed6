const secretSetting = /([?&][^=&#]*(?:pass|secret|token|key|credential)[^=&#]*=)[^&#]*/gi

/**
 * A store's URL as it may stand in a log: the password, and every setting whose name sounds like a secret, is `***`.
 */
export function redactedUrl(url: string | URL): string {
  // Not by the URL class: it refuses the several hosts of a cluster's connection string, and unescaped passwords.
  const text = String(url)
  return withoutPassword(text).replace(secretSetting, '$1***')
}

function withoutPassword(text: string): string {
  const start = text.indexOf('://') + '://'.length
  const beforeSettings = text.indexOf('?') === -1 ? text : text.slice(0, text.indexOf('?'))
  // The last '@': one in the password may stand there unescaped, and so may a '?'.
  const at = beforeSettings.includes('@') ? beforeSettings.lastIndexOf('@') : text.lastIndexOf('@')
  const colon = text.indexOf(':', start)
  if (start < '://'.length || colon === -1 || colon > at) return text
  return `${text.slice(0, colon)}:***${text.slice(at)}`
}
