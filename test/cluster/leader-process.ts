import { createCluster, createLeadership } from '../../src/adapters/cluster/index.ts'
import { quiet } from './world.ts'

/** A process that leads until it is killed: `leader-process.ts KUBECONFIG NAMESPACE`. Prints `leads`. */
const [kubeconfig = '', namespace = ''] = process.argv.slice(2)
createLeadership({
  cluster: createCluster({ kubeconfig, log: quiet }),
  namespace,
  identity: 'victim',
  log: quiet,
  onLead: () => process.stdout.write('leads\n'),
})
