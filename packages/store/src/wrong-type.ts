/** True for the reply of Redis that a key holds another type than the command works on: a mistake of a foreign server. */
export function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE');
}

/** The reply, or what a missing key would have given: one spoilt key must not be the failure of users of others. */
export async function orMissing<T>(reply: Promise<T>, missing: T): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (isWrongType(error)) return missing;
    throw error;
  }
}
