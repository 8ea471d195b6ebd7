import { readFileSync } from 'node:fs';
import { ERRORS } from '@chat/protocol';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

type Json = Record<string, unknown>;

/** An answer as {@link OpenApi.fetch} gives it: the body is read, as JSON where it is JSON. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields that the file has just vouched for
  body: any;
}

export interface ApiRequest {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  body?: string | Uint8Array<ArrayBuffer>;
}

/** Checks what a service answers against its OpenAPI file. */
export class OpenApi {
  readonly #document: Json;
  readonly #ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: true });
  readonly #routes: { template: string; pattern: RegExp }[];

  constructor(file: string | URL) {
    this.#document = parse(readFileSync(file, 'utf8')) as Json;
    this.#ajv.addSchema(this.#document, 'api');
    this.#routes = Object.keys(this.#document.paths as Json).map((template) => ({
      template,
      pattern: new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
    }));
  }

  /** Every method and path that the file lists. */
  operations(): { method: string; path: string; statuses: number[] }[] {
    return Object.entries(this.#document.paths as Record<string, Record<string, Json>>).flatMap(
      ([path, item]) =>
        Object.entries(item).map(([method, { responses }]) => ({
          method: method.toUpperCase(),
          path,
          statuses: Object.keys(responses as Json).map(Number),
        })),
    );
  }

  /** Asks a service and throws when the answer is not as the file says. */
  async fetch(baseUrl: string, path: string, request: ApiRequest = {}): Promise<Answer> {
    const { method = request.json === undefined && request.body === undefined ? 'GET' : 'POST' } = request;
    const headers: Record<string, string> = { ...request.headers };
    if (request.json !== undefined) headers['content-type'] ??= 'application/json';
    const body = request.json === undefined ? request.body : JSON.stringify(request.json);
    const response = await fetch(baseUrl + path, { method, headers, body, redirect: 'manual' });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    const answer = {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
    this.check(method, path, answer);
    return answer;
  }

  /** @throws Error that says what differs from the file. */
  check(method: string, path: string, answer: Answer): void {
    const described = this.#described(method, path.split('?')[0]!, answer.status);
    const said = `${method} ${path} ${answer.status}: ${JSON.stringify(answer.body)}`;
    if (described === 'unlisted') {
      this.#checkUnlisted(said, answer);
      return;
    }
    this.#checkHeaders(said, described, answer.headers);
    this.#checkBody(said, described, answer);
  }

  #described(method: string, path: string, status: number): string | 'unlisted' {
    const route = this.#routes.find(({ template, pattern }) => template === path || pattern.test(path));
    // A HEAD is answered as its GET, without the body; preflights are the same for every path.
    const operation = route && `/paths/${escapePointer(route.template)}/${method.toLowerCase()}`;
    if (operation === undefined || this.#at(operation) === undefined) return 'unlisted';
    const pointer = `${operation}/responses/${status}`;
    const response = this.#at(pointer) as { $ref?: string } | undefined;
    if (response === undefined) throw new Error(`${method} ${path}: the status ${status} is not listed`);
    return response.$ref?.slice(1) ?? pointer;
  }

  /** No such path or method: what the file says once for all paths. */
  #checkUnlisted(said: string, { status, headers, body }: Answer): void {
    if (status === 204 && headers.has('access-control-allow-methods')) return;
    if (status === 200 && headers.has('allow')) return;
    const code = (body as Json | null)?.code as keyof typeof ERRORS;
    const refused = status === ERRORS[code]?.status && (status !== 405 || headers.has('allow'));
    if (!refused) throw new Error(`not listed: ${said}`);
  }

  #checkHeaders(said: string, pointer: string, headers: Headers): void {
    const described = (this.#at(pointer) as { headers?: Record<string, { $ref?: string }> }).headers ?? {};
    for (const [name, item] of Object.entries(described)) {
      const at = item.$ref?.slice(1) ?? `${pointer}/headers/${escapePointer(name)}`;
      const value = headers.get(name);
      if (value === null) {
        if ((this.#at(at) as { required?: boolean }).required) throw new Error(`${name} is missing: ${said}`);
        continue;
      }
      this.#validate(`${name} of ${said}`, `${at}/schema`, value);
    }
  }

  #checkBody(said: string, pointer: string, { headers, body }: Answer): void {
    const content = (this.#at(pointer) as { content?: Json }).content;
    if (content === undefined) {
      if (body !== '') throw new Error(`a body where none is listed: ${said}`);
      return;
    }
    const type = headers.get('content-type')?.split(';')[0] ?? 'no type';
    if (!(type in content)) throw new Error(`the type ${type} is not listed: ${said}`);
    this.#validate(said, `${pointer}/content/${escapePointer(type)}/schema`, body);
  }

  #validate(said: string, pointer: string, value: unknown): void {
    const ref = `api#${pointer}`;
    const validate: ValidateFunction = this.#ajv.getSchema(ref) ?? this.#ajv.compile({ $ref: ref });
    if (!validate(value)) throw new Error(`${said}\n${this.#ajv.errorsText(validate.errors)}`);
  }

  #at(pointer: string): unknown {
    const steps = pointer.slice(1).split('/');
    return steps.reduce<unknown>(
      (node, step) => (node as Json | undefined)?.[unescapePointer(step)],
      this.#document,
    );
  }
}

function escapePointer(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1');
}

function unescapePointer(text: string): string {
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}
