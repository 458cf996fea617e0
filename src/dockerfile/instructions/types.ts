// The union of all instructions. A consumer switches on `kind`; see the file of each kind for its fields.
import type { Healthcheck } from '../../model/index.ts';
import type { Command, InlineFile, InstructionBase, KeyValue } from './base.ts';
import type { RunMountSpec } from './mount.ts';

export interface FromInstruction extends InstructionBase<'FROM'> {
  /** What follows FROM, unexpanded: an image, an earlier stage, or `scratch`. */
  readonly base: string;
  /** The name after AS in lower case. */
  readonly name?: string;
  /** The name after AS as written. */
  readonly writtenName?: string;
  readonly platform?: string;
}

export interface RunInstruction extends InstructionBase<'RUN'> {
  readonly command: Command;
  /** The heredocs of the line; see `runCommandLine` for what becomes of them. */
  readonly files: readonly InlineFile[];
  /** The mounts as written. `expandRunMounts` makes `RunMount`s of them: their values may hold variables. */
  readonly mounts: readonly RunMountSpec[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
  /** Values of `--device` (labs). */
  readonly devices: readonly string[];
  /** Of `# slipway:features`: the step runs whatever is cached. */
  readonly noCache?: boolean;
  /** How often it is tried again when its command fails. */
  readonly retries?: number;
  /** Bytes. */
  readonly memory?: number;
  /** Processors' worth of time. */
  readonly cpus?: number;
}

interface CopyFields {
  /** Paths and patterns, without the inline files. */
  readonly sources: readonly string[];
  readonly files: readonly InlineFile[];
  readonly dest: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly exclude: readonly string[];
}

export interface CopyInstruction extends InstructionBase<'COPY'>, CopyFields {
  readonly from?: string;
  readonly parents: boolean;
}

export interface AddInstruction extends InstructionBase<'ADD'>, CopyFields {
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
  /** Undefined: local archives are unpacked, downloaded ones are not. */
  readonly unpack?: boolean;
}

export interface EnvInstruction extends InstructionBase<'ENV'> {
  readonly pairs: readonly KeyValue[];
}

export interface LabelInstruction extends InstructionBase<'LABEL'> {
  readonly pairs: readonly KeyValue[];
}

/** One argument of ARG. */
export interface ArgDeclaration {
  readonly key: string;
  /** Absent when no default is given; an empty default is the empty string. */
  readonly value?: string;
}

export interface ArgInstruction extends InstructionBase<'ARG'> {
  readonly args: readonly ArgDeclaration[];
}

export interface ExposeInstruction extends InstructionBase<'EXPOSE'> {
  /** As written; see `parseExposedPorts`. */
  readonly ports: readonly string[];
}

export interface EntrypointInstruction extends InstructionBase<'ENTRYPOINT'> {
  readonly command: Command;
}

export interface CmdInstruction extends InstructionBase<'CMD'> {
  readonly command: Command;
}

export interface VolumeInstruction extends InstructionBase<'VOLUME'> {
  readonly paths: readonly string[];
}

export interface UserInstruction extends InstructionBase<'USER'> {
  readonly user: string;
}

export interface WorkdirInstruction extends InstructionBase<'WORKDIR'> {
  readonly path: string;
}

export interface ShellInstruction extends InstructionBase<'SHELL'> {
  readonly shell: readonly string[];
}

export interface StopSignalInstruction extends InstructionBase<'STOPSIGNAL'> {
  readonly signal: string;
}

export interface HealthcheckInstruction extends InstructionBase<'HEALTHCHECK'> {
  /** As it goes into the image's configuration: Test, and times in nanoseconds where given. */
  readonly health: Healthcheck;
}

export interface OnbuildInstruction extends InstructionBase<'ONBUILD'> {
  /** The trigger's line, as recorded in the image. */
  readonly expression: string;
}

export interface MaintainerInstruction extends InstructionBase<'MAINTAINER'> {
  readonly maintainer: string;
}

/** Every instruction of the language. */
export type Instruction =
  | FromInstruction
  | RunInstruction
  | CopyInstruction
  | AddInstruction
  | EnvInstruction
  | ArgInstruction
  | LabelInstruction
  | ExposeInstruction
  | EntrypointInstruction
  | CmdInstruction
  | VolumeInstruction
  | UserInstruction
  | WorkdirInstruction
  | ShellInstruction
  | StopSignalInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | MaintainerInstruction;

/** Their names, in capitals. */
export type InstructionKind = Instruction['kind'];
