export function dockerAnswers(): boolean;
export function imageExists(image: string): boolean;
