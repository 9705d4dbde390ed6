/** The language that a skeleton is written in. */
export type Language = 'ts' | 'js'

/** What a skeleton says, in either language. */
export interface Words {
  readonly language: Language
  /** The text of TypeScript, or that of JavaScript; nothing where it has none. */
  pick(typeScript: string, javaScript?: string): string
  /** What an import of a file beside it ends with. */
  readonly imported: string
}

export function words(language: Language, imported: string): Words {
  return {
    language,
    imported,
    pick: (typeScript, javaScript = '') => (language === 'ts' ? typeScript : javaScript),
  }
}
