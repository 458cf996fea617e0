// docker-py against `serve`: one script, which prints a line for each thing that it did.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { noPython, PYTHON, runClient } from '../support/docker-clients.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../support/own-network.ts';

const SCRIPT = `
import docker, io, tarfile, time
d = docker.from_env()
say = lambda *words: print(*words, sep='|')
say('ping', d.ping(), d.version()['ApiVersion'])
say('run', d.containers.run('tiny', ['echo', 'hi'], remove=True, network_mode='none'))
try: d.containers.run('tiny', ['sh', '-c', 'echo bad >&2; exit 3'], remove=True, network_mode='none')
except docker.errors.ContainerError as e: say('fails', e.exit_status, e.stderr)
c = d.containers.run('tiny', ['sh', '-c', 'echo up; exec sleep 1000'], detach=True, name='py', network_mode='none', labels={'a': 'b'},
  mem_limit='100m', nano_cpus=500000000, ulimits=[docker.types.Ulimit(name='nofile', soft=100, hard=200)])
say('exec', *c.exec_run(['sh', '-c', 'echo o; echo e >&2; exit 4'], demux=True))
s = c.exec_run(['cat'], stdin=True, socket=True).output
s._sock.sendall(b'some\\n'); s._sock.shutdown(1)
say('socket', s.read()[8:])
say('tty', c.exec_run(['sh', '-c', 'test -t 0 && echo yes'], tty=True).output)
for line in c.logs(stream=True, follow=True):
  say('logs', line); break
say('stats', next(c.stats(decode=True))['name'])
b = io.BytesIO()
with tarfile.open(fileobj=b, mode='w') as t:
  i = tarfile.TarInfo('f'); i.size = 3; t.addfile(i, io.BytesIO(b'abc'))
say('put', c.put_archive('/tmp', b.getvalue()))
parts, stat = c.get_archive('/tmp/f')
say('get', tarfile.open(fileobj=io.BytesIO(b''.join(parts))).extractfile('f').read(), stat['size'])
say('diff', [one['Path'] for one in c.diff()])
say('list', [one.name for one in d.containers.list(filters={'label': 'a=b'})])
c.pause(); c.unpause(); c.rename('py2'); c.stop(timeout=0)
say('wait', c.wait()['StatusCode'])
say('commit', c.commit('py', 'x').tags)
c.remove(v=True)
say('events', [e['Action'] for e in d.events(decode=True, since=0, until=time.time(), filters={'container': c.id, 'event': ['create', 'die', 'destroy']})])
img, _ = d.images.build(fileobj=io.BytesIO(b'FROM tiny\\nARG W\\nRUN echo $W > /w\\nLABEL l=1\\n'), tag='py:built', buildargs={'W': 'x'}, rm=True)
say('build', img.tags, img.labels, len(img.history()))
b.seek(0)
d.api.import_image_from_data(b.getvalue(), repository='py', tag='imported')
say('load', d.images.load(b''.join(d.images.get('py:imported').save(named=True)))[0].tags)
try: d.images.build(fileobj=io.BytesIO(b'FROM tiny\\nRUN exit 9\\n'))
except docker.errors.BuildError as e: say('build fails', e.msg)
try: d.images.get('nothing:here')
except docker.errors.ImageNotFound as e: say('missing', e.explanation)
n = d.networks.create('py', ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet='10.78.0.0/24', gateway='10.78.0.1')]))
c = d.containers.create('tiny', ['sleep', '1000'], volumes={'pyvol': {'bind': '/data', 'mode': 'rw'}})
n.connect(c, aliases=['zz'], ipv4_address='10.78.0.9'); c.start(); n.reload(); c.reload()
say('network', [one.name == c.name for one in n.containers], c.attrs['NetworkSettings']['Networks']['py']['IPAddress'])
n.disconnect(c); c.remove(force=True); n.remove()
say('volume', [one.name for one in d.volumes.list(filters={'name': 'pyvol'})])
d.volumes.get('pyvol').remove()
say('prune', d.containers.prune()['SpaceReclaimed'], sorted(d.df())[0])
`;

const EXPECTED = `ping|True|1.51
run|b'hi\\n'
fails|3|b'bad\\n'
exec|4|(b'o\\n', b'e\\n')
socket|b'some\\n'
tty|b'yes\\r\\n'
logs|b'up\\n'
stats|/py
put|True
get|b'abc'|3
diff|['/tmp', '/tmp/f']
list|['py']
wait|137
commit|['py:x']
events|['create', 'die', 'destroy']
build|['py:built']|{'image': 'test', 'l': '1'}|3
load|['py:imported']
build fails|The command '/bin/sh -c exit 9' returned a non-zero code: 9
missing|No such image: nothing:here
network|[True]|10.78.0.9
volume|['pyvol']
prune|0|BuildCache
`;

if (inOwnNetwork(import.meta.url)) {
  let api: ApiServer;
  before(async () => {
    prepareOwnNetwork();
    api = await apiServer();
  });
  after(() => api.close());

  test('what scripts in Python do', { skip: noPython }, async () => {
    const { stdout, stderr } = await runClient(PYTHON!, ['-'], { env: { DOCKER_HOST: `unix://${api.path}` }, input: SCRIPT });
    assert.equal(stdout, EXPECTED, stderr);
  });
}
