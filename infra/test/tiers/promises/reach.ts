import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { containersOf, type Promises, urnsOf } from './promise.ts';

export const reach = {
  'the provider refuses every account but one': (run) =>
    urnsOf(run, 'pulumi:providers:aws', ({ inputs }) => !/^\["\d{12}"\]$/.test(String(inputs.allowedAccountIds))),

  'of a task only the service’s own port is open': (run) =>
    containersOf(run).flatMap(({ portMappings = [] }) =>
      portMappings.filter(({ containerPort }) => containerPort !== 3000).map(({ containerPort }) => `${containerPort}`),
    ),

  'the subnets of the database lead nowhere': (run) => {
    const subnets = idsIn(run, 'aws:docdb/subnetGroup:SubnetGroup', ({ inputs }) => inputs.subnetIds);
    const tables = idsIn(run, 'aws:ec2/routeTableAssociation:RouteTableAssociation', ({ inputs }) =>
      subnets.includes(inputs.subnetId) ? inputs.routeTableId : [],
    );
    return urnsOf(
      run,
      'aws:ec2/routeTable:RouteTable',
      ({ id, inputs }) => tables.includes(id) && [inputs.routes ?? []].flat().length > 0,
    );
  },

  'only the service reaches the endpoints of AWS’s services, and by their usual names': (run) => {
    const endpoints = run.resources.filter(
      ({ type, inputs }) => type === 'aws:ec2/vpcEndpoint:VpcEndpoint' && inputs.vpcEndpointType === 'Interface',
    );
    const groups = endpoints.flatMap(({ inputs }) => inputs.securityGroupIds);
    const service = run.resources.find(({ urn }) => urn.endsWith(':SecurityGroup::trunkline-service'));
    return [
      ...endpoints.filter(({ inputs }) => inputs.privateDnsEnabled !== true).map(({ urn }) => urn),
      ...urnsOf(
        run,
        'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule',
        ({ inputs }) => groups.includes(inputs.securityGroupId) && inputs.referencedSecurityGroupId !== service?.id,
      ),
    ];
  },

  'HTTPS waits until its certificate is valid': (run) =>
    urnsOf(
      run,
      'aws:lb/listener:Listener',
      ({ inputs, dependsOn }) =>
        inputs.protocol === 'HTTPS' &&
        // One of the account was valid before.
        inputs.certificateArn !== run.stack.config['infra:certificateArn'] &&
        !dependsOn.some((urn) => urn.includes('CertificateValidation')),
    ),
} satisfies Promises;

const idsIn = ({ resources }: Run, type: string, of: (resource: Resource) => unknown): unknown[] =>
  resources.filter((resource) => resource.type === type).flatMap((resource) => of(resource));
