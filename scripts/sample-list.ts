// The samples: what each is asked over HTTP, and the image with its SDK. Which images a Dockerfile begins with is read from it.
import { parseDockerfile } from '../src/dockerfile/index.ts';

export interface Sample {
  /** Its folder in samples/, which is also the word for `slipway init --language`. */
  readonly name: string;
  readonly title: string;
  /** The image that its build stage begins with. */
  readonly sdk: string;
  readonly ask: string;
  /** What the answer holds. */
  readonly answer: RegExp;
  /** Why it is not run here: what it needs and no stand-in has. */
  readonly needs?: string;
}

export const SAMPLES: readonly Sample[] = [
  { name: 'go', title: 'Go', sdk: 'golang:1.19-bookworm', ask: '/', answer: /^links: 0$/m },
  { name: 'node', title: 'Node.js, TypeScript', sdk: 'node:18-bookworm-slim', ask: '/', answer: /^\[\]$/m },
  { name: 'python', title: 'Python', sdk: 'python:3.11-slim-bookworm', ask: '/', answer: /a text by POST/ },
  { name: 'java', title: 'Java, Maven', sdk: 'maven:3.8-openjdk-17', ask: '/2026-11-26', answer: /^Thursday$/m },
  { name: 'rust', title: 'Rust', sdk: 'rust:1.63-slim', ask: '/360', answer: /^2\^3 \* 3\^2 \* 5$/m },
  { name: 'cpp', title: 'C++', sdk: 'gcc:12', ask: '/123456789', answer: /^cbf43926$/m },
  {
    name: 'dotnet',
    title: '.NET',
    sdk: 'mcr.microsoft.com/dotnet/sdk:8.0-bookworm-slim',
    ask: '/',
    answer: /two dice/,
    needs: 'images of mcr.microsoft.com',
  },
  { name: 'php', title: 'PHP', sdk: 'composer:2.5', ask: '/2026', answer: /^MMXXVI$/m },
  { name: 'static', title: 'Static site, nginx', sdk: 'nginx:1.22', ask: '/launch.html', answer: /only the hull/ },
];

/** The images that the stages of a Dockerfile begin with, each once; arguments have their defaults. */
export function basesOf(text: string): string[] {
  const { stages, metaArgs } = parseDockerfile(text);
  const values = new Map(metaArgs.flatMap((arg) => arg.args.map((a) => [a.key, a.value ?? ''] as const)));
  const own = new Set(stages.map((s) => s.name));
  const names = stages.map((s) => s.from.base.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? ''));
  return [...new Set(names)].filter((name) => name !== 'scratch' && !own.has(name));
}
