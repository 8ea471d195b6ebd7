/** The known name that was probably meant: the same but for case, or but for a slip or two. */
export function nearMiss(name: string, known: Iterable<string>): string | undefined;
