import type { RegisterResourceRequest } from '@pulumi/pulumi/proto/resource_pb.js';
import struct, { type JavaScriptValue, type Struct } from 'google-protobuf/google/protobuf/struct_pb.js';
import { PROJECT } from './project.ts';
import type { Values } from './values.ts';

/** A resource as the program registered it, with the answer. */
export interface Resource {
  urn: string;
  type: string;
  name: string;
  custom: boolean;
  /** URN. Empty for the stack. */
  parent: string;
  /** `<urn>::<id>` of an explicit provider. Empty for the default one. */
  provider: string;
  /** Secrets are in Pulumi's wrapping. */
  inputs: Values;
  dependsOn: string[];
  protect: boolean;
  retainOnDelete: boolean;
  deleteBeforeReplace: boolean;
  ignoreChanges: string[];
  replaceOnChanges: string[];
  additionalSecretOutputs: string[];
  deletedWith: string;
  id: string;
  outputs: Values;
}

export const parseRegistration = (request: RegisterResourceRequest, stack: string): Resource => ({
  urn: urnOf(request, stack),
  type: request.getType(),
  name: request.getName(),
  custom: request.getCustom(),
  parent: request.getParent(),
  provider: request.getProvider(),
  inputs: valuesOf(request.getObject()),
  dependsOn: request.getDependenciesList().toSorted(),
  protect: request.getProtect() ?? false,
  retainOnDelete: request.getRetainondelete() ?? false,
  deleteBeforeReplace: request.getDeletebeforereplace(),
  ignoreChanges: request.getIgnorechangesList(),
  replaceOnChanges: request.getReplaceonchangesList(),
  additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
  deletedWith: request.getDeletedwith(),
  id: '',
  outputs: {},
});

/** https://www.pulumi.com/docs/iac/concepts/resources/names/#urns: the types of all parents except the stack precede its own. */
const urnOf = (request: RegisterResourceRequest, stack: string): string => {
  const parentTypes = request.getParent().split('::')[2] ?? '';
  const types = ['', 'pulumi:pulumi:Stack'].includes(parentTypes) ? [] : [parentTypes];
  return `urn:pulumi:${stack}::${PROJECT}::${[...types, request.getType()].join('$')}::${request.getName()}`;
};

export const valuesOf = (message: Struct | undefined): Values => message?.toJavaScript() ?? {};

export const structOf = (values: Values): Struct =>
  // A struct can hold any JSON. The round trip drops `undefined`, which JSON lacks.
  struct.Struct.fromJavaScript(JSON.parse(JSON.stringify(values)) as Record<string, JavaScriptValue>);
