/**
 * What an append demands of its stream:
 * - a number n: the stream's version is n at the moment of the append; 0: it was never written;
 * - 'exists': it has at least one event;
 * - 'any': nothing.
 */
export type ExpectedVersion = number | 'any' | 'exists'
