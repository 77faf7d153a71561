// The contract as the console's modules see it: of a path, what is sent and what comes back. Nothing here is served.
import type { components, paths } from '../../tests/frontend/contract';

export type Schemas = components['schemas'];

type Taking<M extends 'get' | 'post'> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];

/** GetPath and PostPath are the paths that can be called with a method. */
export type GetPath = Taking<'get'>;
export type PostPath = Taking<'post'>;

/** Query is what a GET may ask with. */
export type Query<P extends GetPath> = paths[P]['get'] extends { parameters: { query?: infer Q } } ? Q : undefined;

/** Body is what a POST sends. */
export type Body<P extends PostPath> = paths[P]['post'] extends { requestBody?: { content: { 'application/json': infer B } } } ? B : undefined;

type Answer<O> = O extends { responses: { 200: { content: { 'application/json': infer A } } } } ? A : never;

/** Data is what a success carries, whatever its dialect. */
export type Data<O> = Answer<O> extends { data?: infer D } ? Exclude<D, undefined> : undefined;
export type GetData<P extends GetPath> = Data<paths[P]['get']>;
export type PostData<P extends PostPath> = Data<paths[P]['post']>;

/** Problem is a refusal as RFC 9457 writes it. */
export type Problem = Schemas['Problem'];

/** TokenKeeper keeps the access token of one person in this tab. */
export interface TokenKeeper {
  get(): string | null;
  set(token: string): void;
  clear(): void;
}
