import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate } from './index.ts';

/** The part of a container's inspection that the templates below look at. */
const container = {
  Id: 'f2a4',
  Name: '/web',
  State: { Status: 'running', Running: true, Paused: false, ExitCode: 0 },
  Mounts: [{ Type: 'volume', Name: 'data', Destination: '/data', RW: true }],
  HostConfig: { CapAdd: null, OomKillDisable: null, LogConfig: { Type: 'json-file', Config: {} } },
  Config: {
    Env: ['A=1', 'PATH=/bin'],
    Labels: { app: 'web', 'a.b': 'c' },
    ExposedPorts: { '80/tcp': {} },
    Volumes: null,
    Cmd: ['sleep', '3000'],
  },
  NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18123' }], '81/tcp': null } },
};
const plain = (): unknown => JSON.parse(JSON.stringify(container));

/** Template and what `docker inspect -f` of Docker 28 printed for it. */
const CASES: readonly (readonly [string, string])[] = [
  ['{{.Name}} {{.ID}}', '/web f2a4'],
  ['{{json .Config.Labels}} {{.Config.Labels}}', '{"app":"web","a.b":"c"} map[a.b:c app:web]'],
  ['{{.Config.Labels.app}} {{.Config.Labels.none}}', 'web <no value>'],
  ['{{index .Config.Labels "a.b"}}|{{index .Config.Labels "zz"}}|', 'c||'],
  ['{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}', 'a.b=c;app=web;'],
  ['{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}}', 'A=1, PATH=/bin'],
  ['{{(index .Mounts 0).Type}}', 'volume'],
  ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', '18123'],
  ['{{range $p, $c := .NetworkSettings.Ports}}{{$p}}:{{range $c}}{{.HostPort}}{{end}} {{end}}', '80/tcp:18123 81/tcp: '],
  ['{{.HostConfig.CapAdd}} {{.HostConfig.OomKillDisable}} {{.HostConfig.LogConfig}}', '[] <nil> {json-file map[]}'],
  ['{{.Config.Volumes}} {{.Config.ExposedPorts}} {{.Config.Cmd}}', 'map[] map[80/tcp:{}] [sleep 3000]'],
  ['{{.Mounts}}', '[{volume data /data true}]'],
  ['{{with .HostConfig.CapAdd}}x{{else with .Name}}{{.}}{{end}}', '/web'],
  ['{{if .State.Health}}h{{else}}none{{end}}', 'none'],
  ['{{if .State.Paused}}p{{else if .State.Running}}r{{else}}n{{end}}', 'r'],
  ['{{$x := .State}}{{$x.Status}} {{$y := 1}}{{$y = 2}}{{$y}}', 'running 2'],
  ['{{range .Config.Env}}{{if eq . "A=1"}}{{continue}}{{end}}{{.}};{{end}}', 'PATH=/bin;'],
  ['{{range .Config.Env}}{{break}}{{end}}|', '|'],
  ['{{define "t"}}[{{.}}]{{end}}{{template "t" .Name}}', '[/web]'],
  ['{{block "b" .State}}{{.Status}}{{end}}', 'running'],
  ['a  {{- " b " -}}  c{{/* }} */}}', 'a b c'],
  [
    String.raw`{{printf "%-10s|%5d|%q|%v|%x|%t|%.2f|%05d|%+d" "ab" 42 "x\ty" true "hi" true 3.14159 42 7}}`,
    String.raw`ab        |   42|"x\ty"|true|6869|true|3.14|00042|+7`,
  ],
  ['{{printf "%d" "x"}} {{printf "%s"}} {{printf "a" 1 "b"}}', '%!d(string=x) %!s(MISSING) a%!(EXTRA int=1, string=b)'],
  ['{{printf "%v %v" .State.ExitCode nil}}', '0 <nil>'],
  ['{{printf "%08.3f|%e|%g" 2.5 1234.5 0.00001}}', '0002.500|1.234500e+03|1e-05'],
  ['{{.Name | printf "%-6s|" | upper}}', '/WEB  |'],
  ['{{eq .State.Status "running"}} {{ne 1 2}} {{lt 1 2}} {{le "a" "b"}} {{eq 1 2 3 1}}', 'true true true true true'],
  ['{{and 1 0}} {{or 0 "x"}} {{not true}}', '0 x false'],
  ['{{title "hello world"}} {{join .Config.Env ","}} {{split "a-b-c" "-"}}', 'Hello World A=1,PATH=/bin [a b c]'],
  ['{{pad "x" 2 3}}| {{truncate "abcdef" 3}} {{println "a" 1 2}}', '  x   | abc a 1 2\n'],
  ['{{print 1 2 "a" "b" 3 4}} {{slice .Name 1 3}} {{len .Name}}', '1 2ab3 4 we 4'],
  ['{{1}} {{1.5}} {{0x10}} {{true}} {{"\\u00e9"}}', '1 1.5 16 true é'],
];

test('templates print what Docker prints', () => {
  for (const [template, expected] of CASES) assert.equal(compileTemplate(template)(plain()), expected, template);
});

const FAULTS: readonly (readonly [string, string])[] = [
  ['{{.Nope}}', ':1:2: executing "" at <.Nope>: map has no entry for key "Nope"'],
  ['{{.State.Nope}}', ':1:8: executing "" at <.State.Nope>: map has no entry for key "Nope"'],
  ['{{slice .Name 0 300}}', ':1:2: executing "" at <slice .Name 0 300>: error calling slice: index out of range: 300'],
  ['{{index .Config.Env 9}}', ':1:2: executing "" at <index .Config.Env 9>: error calling index: index out of range: 9'],
  ['{{eq .State.Status 1}}', ':1:2: executing "" at <eq .State.Status 1>: error calling eq: incompatible types for comparison'],
  ['{{len}}', ':1:2: executing "" at <len>: wrong number of args for len: want 1 got 0'],
  ['{{foo}}', ':1: function "foo" not defined'],
  ['{{toString}}', ':1: function "toString" not defined'],
  ['{{constructor .}}', ':1: function "constructor" not defined'],
  ['{{.constructor}}', ':1:2: executing "" at <.constructor>: map has no entry for key "constructor"'],
  ['{{$nope}}', ':1: undefined variable "$nope"'],
  ['{{.Name', ':1: unclosed action'],
  ['{{if .Name}}x', ':1: unexpected EOF'],
  ['{{end}}', ':1: unexpected {{end}}'],
  ['{{define "t"}}{{define "u"}}{{end}}{{end}}', ':1: unexpected <define> in command'],
  ['{{break}}', ':1: {{break}} outside {{range}}'],
];

test('faults are reported in the words and with the places of Go', () => {
  for (const [template, message] of FAULTS) {
    assert.throws(() => compileTemplate(template, 'template parsing error')(plain()), {
      code: 'cli.template',
      message: `template parsing error: template: ${message}`,
    });
  }
});

test('a template ends in bounded time and depth', () => {
  assert.throws(() => compileTemplate('{{define "t"}}{{template "t" .}}{{end}}{{template "t" .}}')(1), /maximum template depth/);
  const growing = '{{define "t"}}{{template "t" printf "%s%s" . .}}{{end}}{{template "t" .}}';
  assert.throws(() => compileTemplate(growing)('x'), /the text becomes too long/);
  assert.throws(() => compileTemplate('{{range 1000000000}}{{range 1000}}{{end}}{{end}}')(1), /rounds/);
});
