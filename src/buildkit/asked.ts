// What messages of clients ask for, in the words of this adapter.
import { SlipwayError } from '../model/index.ts';
import { Code, type Definition, GrpcError, type ReturnRequest, type SolveRequest } from '../protocol/index.ts';
import type { Asked } from './request.ts';
import type { Returned } from './solves.ts';

/** @throws GrpcError unimplemented for several results */
export function returnedOf(result: ReturnRequest['result']): Returned {
  const one = result?.result;
  const config = result?.metadata['containerimage.config'];
  const chosen = (ref: string): Returned => ({ ref, ...(config && { config }) });
  if (one?.case === 'ref') return chosen(one.value.id);
  if (one?.case !== 'refs') return {};
  const refs = Object.values(one.value.refs);
  if (refs.length > 1) throw new GrpcError(Code.unimplemented, 'several results of a frontend of the client are not supported');
  return refs[0] === undefined ? {} : chosen(refs[0].id);
}

export function askedOf(request: SolveRequest): Omit<Asked, 'attributes'> {
  const exporters = request.Exporters.map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs }));
  if (exporters.length === 0 && request.ExporterDeprecated !== '')
    exporters.push({ type: request.ExporterDeprecated, attributes: request.ExporterAttrsDeprecated });
  const entries = (list: readonly { readonly Type: string; readonly Attrs: Record<string, string> }[] | undefined) =>
    (list ?? []).map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs }));
  return {
    exporters,
    caches: { from: entries(request.Cache?.Imports), to: entries(request.Cache?.Exports) },
    entitlements: request.Entitlements,
  };
}

export function cacheImports({
  'cache-imports': text,
}: Record<string, string>): { readonly Type: string; readonly Attrs?: Record<string, string> }[] {
  if (text === undefined || text === '') return [];
  try {
    return JSON.parse(text) as { Type: string }[];
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'buildkit.attribute', 'failed to unmarshal cache-imports', { cause });
  }
}

/** A definition without operations is none: the frontend says what to do. */
export function definitionOf(d: Definition | undefined): Pick<Asked, 'definition'> {
  if (d === undefined || d.def.length === 0) return {};
  const named = Object.entries(d.metadata).flatMap(([digest, m]) => {
    const name = m.description['llb.customname'];
    return name === undefined ? [] : [[digest, name]];
  });
  const noCache = Object.entries(d.metadata).flatMap(([digest, m]) => (m.ignoreCache ? [digest] : []));
  return { definition: { def: d.def, names: Object.fromEntries(named), noCache } };
}
