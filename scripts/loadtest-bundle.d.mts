export function bundleScenario(scenario: string, outfile?: string): Promise<string>;
export function scenarios(): string[];
