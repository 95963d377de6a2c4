import type { KubeObject } from '../../manifest/object.ts'
import { listAt, mapAt } from '../fields.ts'
import { type Health, healthy, progressing } from '../health.ts'

/** Only a load balancer has something to wait for: its address. */
export function serviceHealth(service: KubeObject): Health {
  if (mapAt(service, 'spec').type !== 'LoadBalancer') return healthy
  const addresses = listAt(mapAt(mapAt(service, 'status'), 'loadBalancer'), 'ingress')
  return addresses.length > 0 ? healthy : progressing('waits for the address of its load balancer')
}
