/** What is examined beside the rules: all of them together. */
export const modelRule = {
  id: 'MODEL',
  name: 'random sequences',
  text: 'Random sequences of calls give the answers of a simple model.',
} as const
