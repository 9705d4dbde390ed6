export const mutants = {} as const
export type MutantName = keyof typeof mutants
