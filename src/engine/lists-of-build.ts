// Sends the images of a build, what is stated about them, and the list of it all, to a registry or a layout.
import type { BuildJob } from '../builder/index.ts';
import type { Lease } from '../content/index.ts';
import { type Descriptor, encodeJson, formatPlatform, MediaType, type Platform, sha256 } from '../model/index.ts';
import type { CopyTarget } from '../registry/index.ts';
import type { Delivery } from './delivery.ts';
import type { Engine } from './engine.ts';
import type { Annotation, ImageForm } from './output-spec.ts';
import { type LayerForm, sendImage, sendManifest } from './ship.ts';
import { attestationsOf, type Built, subjectNames } from './statements.ts';

/** What one output asks for, with what the whole build does. */
export interface Sending {
  readonly delivery: Delivery;
  readonly form: ImageForm;
  /** Of layers that are not compressed, where the output does not say. */
  readonly usual: LayerForm['compression'];
  readonly names: readonly string[];
}

/** Whether a list is needed: one image without statements is sent by itself. */
export function needsList({ delivery, form }: Pick<Sending, 'delivery' | 'form'>): boolean {
  const { platforms, sbom, provenance } = delivery;
  return platforms.length > 0 || sbom || provenance !== undefined || annotationsIn(delivery, form).some((a) => a.on !== 'manifest');
}

const annotationsIn = (delivery: Delivery, form: ImageForm): readonly Annotation[] => [...delivery.annotations, ...form.annotations];

/** Sends everything; the descriptor of what the names will stand for. */
export async function sendBuild(
  engine: Engine,
  request: BuildJob,
  built: readonly Built[],
  target: CopyTarget,
  s: Sending,
  lease: Lease,
): Promise<Descriptor> {
  const { sendAttestations } = await import('./attest/index.ts');
  const { delivery, form, names } = s;
  const alone = !needsList(s);
  const layers: LayerForm = { compression: form.compression ?? s.usual, force: form.force, dockerTypes: form.dockerTypes };
  const wanted = (on: Annotation['on'], platform?: Platform): Record<string, string> =>
    Object.fromEntries(
      annotationsIn(delivery, form)
        .filter((a) => a.on === on && (a.platform === undefined || (platform !== undefined && a.platform === formatPlatform(platform))))
        .map((a) => [a.key, a.value]),
    );
  const manifests: Descriptor[] = [];
  const statements: Descriptor[] = [];
  for (const b of built) {
    const annotations = wanted('manifest', b.platform);
    const descriptor = await sendImage(
      engine,
      b.result.image,
      target,
      { form: layers, annotations, root: alone, signal: request.signal },
      lease,
    );
    if (alone) return descriptor;
    const onDescriptor = wanted('manifest-descriptor', b.platform);
    manifests.push({ ...descriptor, platform: b.platform, ...(Object.keys(onDescriptor).length > 0 && { annotations: onDescriptor }) });
    const attestations = await attestationsOf(engine, request, delivery, b, names, lease);
    if (attestations.length > 0)
      statements.push(await sendAttestations(engine, target, descriptor, subjectNames(names, b), attestations, lease));
  }
  const annotations = wanted('index');
  const mediaType = form.dockerTypes ? MediaType.dockerManifestList : MediaType.ociIndex;
  const index = {
    schemaVersion: 2,
    mediaType,
    manifests: [...manifests, ...statements],
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  await sendManifest(target, index, mediaType, true);
  const bytes = encodeJson(index);
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}
