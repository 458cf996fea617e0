// Addresses of Git repositories and of files, and the attributes of outputs.
import { parseOutput } from '../../../src/engine/output-spec.ts';
import { authorizationSecrets, gitSource, withoutCredentials } from '../../../src/remote/index.ts';
import { broken } from '../grammar.ts';
import { asText, type Target, typed } from '../target.ts';

const ADDRESSES = ['https://u:p@h/a.git?tag=v1&subdir=x#refs/tags/v1:y', 'git@h:me/a.git?ref=x#y', 'http://h/%zz', 'https://[::1]:2/a.git'];
const ATTRIBUTES = ['compression=gzip', 'annotation-index[a].b=true', 'push=3', 'compression-level=3'];

export const target: Target = {
  make: (r) => broken(r.of([...ADDRESSES, ...ATTRIBUTES]), r),
  attempt: (input, r) => {
    const text = asText(input);
    typed(() => gitSource(text));
    typed(() => withoutCredentials(text));
    typed(() => authorizationSecrets(text));
    const [key = '', value = ''] = text.split('=');
    const type = r.of(['image', 'oci', 'docker', 'tar', 'local', 'registry']);
    typed(() => parseOutput({ type, attributes: { dest: 'x', [key]: value } }, '/', true));
  },
};
