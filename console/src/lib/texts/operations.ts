import { list, plural } from '../format'

export const operations = {
  pages: { cluster: 'Cluster' },
  cluster: {
    about: 'The members that hold the data.',
    answeredBy: (node: string) => `As node ${node} sees it, which serves this page.`,
    reading: 'Reading the state of the cluster',
    notServing: (why: string) => `This node serves nothing: ${why}`,
    noLeader: 'No leader is known: nothing can be written until a majority of the voters reach each other.',
    leader: (name: string, since: string) => `Leader ${name}${since ? `, started ${since}` : ''}.`,
    canLose: (n: number, voters: number) => `Can lose ${n} of ${plural(voters, 'voter')}.`,
    sick: (names: string[]) => `Not healthy: ${list(names)}.`,
    healthy: 'Healthy.',
    members: 'Members, can be scrolled',
    caption: 'Members of the cluster, asked every 5 seconds.',
    columns: ['Member', 'Role', 'State', 'Applied', 'Behind', 'Last contact', 'Disk', 'Build'],
    roles: { leader: 'Leader', voter: 'Voter', replica: 'Read replica' },
    states: { healthy: 'Healthy', unhealthy: 'Not healthy', unreachable: 'Not reachable', draining: 'Draining', stopped: 'Stopped' },
    before: (t: string) => `${t} ago`,
    free: (free: string, total: string) => `${free} free of ${total}`,
    noData: 'no data',
  },
} as const
