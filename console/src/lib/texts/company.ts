import { plural } from '../format'

/** What the pages about a company and its people say. */
export const company = {
  pages: {
    people: 'People', import: 'Import people', groups: 'Groups', administrators: 'Administrators', roles: 'Roles', audit: 'Audit log', me: 'My account', settings: 'Sign-in settings',
  },
  fields: { email: 'E-mail', givenName: 'Given name', surname: 'Surname', jobTitle: 'Job title', managerEmail: 'E-mail of the manager' },
  manager: 'Manager', name: 'Name', state: 'State', services: 'Services', seen: 'Last seen', service: 'Service', role: 'Role', created: 'Created',
  never: 'never', nobody: 'Nobody fits',
  states: { USER_STATE_UNSPECIFIED: 'unknown', USER_STATE_INVITED: 'invited', USER_STATE_ACTIVE: 'active', USER_STATE_DEACTIVATED: 'deactivated' },
  formNotSent: 'The form was not sent. These fields need another look:',
  people: {
    about: 'Everyone who is registered in the company.', count: (n: number) => plural(n, 'person', 'people'),
    reading: 'Reading the people', add: 'Add', import: 'Import CSV', export: 'Export', exporting: 'The export',
    exported: (n: string) => `${n} was saved`, search: 'Search by name, e-mail or title', anyState: 'Any state', anyService: 'Any service', anyRole: 'Any role', filters: 'Filters of the list',
    roles: { administrator: 'Administrators', owner: 'Owners of a subscription', viewer: 'Viewers of a subscription' },
    none: 'Nobody is registered yet', noneHint: 'Add the people of the company one by one, or import a list.', noMatch: 'Nobody fits the filter',
    open: 'Open', edit: 'Edit', deactivate: 'Deactivate', activate: 'Activate', invite: 'Send the invitation again',
    activated: (n: string) => `${n} is active again`, deactivated: (n: string) => `${n} is deactivated`, invited: (n: string) => `A new invitation was sent to ${n}`, saved: (n: string) => `${n} was saved`, added: (n: string) => `${n} was added`,
    self: 'You cannot deactivate yourself.',
  },
  form: {
    addTitle: 'Add a person', editTitle: (n: string) => `Edit ${n}`, active: 'Active', activeHint: 'Off: the person is registered, and can do nothing until activated.', notify: 'Send an invitation', notifyHint: 'With a link to set a password.', message: 'Message in the invitation',
    taken: 'Somebody with this address is registered already.', mistyped: 'This is not an e-mail address: it needs one @ and a domain.', foreign: (d: string) => `Nobody in the list has an address of ${d}. That may be right.`, groups: 'Groups', groupsHint: 'The person becomes a member of these.', changedMeanwhile: 'Somebody else changed this person while you did.',
    none: 'nothing', field: 'Field', sides: 'Stored now', mine: 'Yours', required: 'This is needed.',
  },
  deactivate: {
    title: (n: string) => `Deactivate ${n}?`, about: 'All roles are kept, and none works until the person is activated again. All sessions end at once.',
  },
  person: {
    reading: 'Reading the person', tabs: { profile: 'Profile', access: 'Access', groups: 'Groups', sessions: 'Sign-ins and sessions', activity: 'Activity' },
    administrator: 'Administrator of the company',
    direct: 'direct', through: (g: string) => `through ${g}`, inherited: (role: string, from: string) => `${role.toLowerCase()} by ${from}`, company: 'Company', idle: 'gives nothing at the moment', why: 'Why', hideWhy: 'Hide why', rights: 'Gives',
    noAccess: 'No access to anything yet', noAccessHint: 'Include the person in a service, or add the person to a group that has a role.', more: 'There are more than 1,000 lines: these are the first.', accessOff: 'The person is deactivated: every role is kept and none works.',
    remove: 'Remove', removeTitle: (role: string, of: string) => `Take away ${role.toLowerCase()} of ${of}?`, removeAbout: (n: string, role: string, of: string) => `${n} is not ${role.toLowerCase()} of ${of} any more. Rights by other ways stay.`, removed: 'The role was taken away',
    noGroups: 'In no group', noGroupsHint: 'Groups give many people a role at once.', member: 'How',
    noSessions: 'Nothing acts as this person', noSessionsHint: 'There is no session and no machine token.', noSession: 'The person is not signed in anywhere.', noToken: 'The person has no machine token.', tokensAbout: 'A machine that has one of these acts as the person, with all rights of the person, until it expires or is revoked.',
    endAll: 'End all', endAllTitle: (n: string) => `End all that acts as ${n}?`, endAllAbout: (s: number, k: number) => `${plural(s, 'session ends', 'sessions end')}: whoever uses one has to sign in again, and what was not saved there may be lost. ${plural(k, 'machine token is', 'machine tokens are')} revoked: whatever uses one is refused from now on.`, allEnded: 'The sessions were ended and the machine tokens revoked',
    ownTokens: 'Your own are in your account:', endAllOwn: 'All your sessions end, this one too, and your machine tokens are revoked: whatever uses one is refused from now on. You have to sign in again.', revokeTitle: (k: string, n: string) => `Revoke ${k} of ${n}?`, activityNone: 'Nothing was recorded yet', whatHe: 'By this person', whatTo: 'About this person', activityOf: 'Records',
  },
  group: {
    about: 'Groups give many people a role at once. A group holds people, other groups, and the holders of a job title.', reading: 'Reading the groups', search: 'Search by name', create: 'Create group', edit: 'Edit', editTitle: (n: string) => `Edit ${n}`, delete: 'Delete', deleteTitle: (n: string) => `Delete ${n}?`, deleteAbout: 'Nobody can bring it back.', stillUsed: (where: string) => `It is still used. Take it out of ${where} first.`, deleted: (n: string) => `${n} was deleted`, notEmpty: 'It has members. Take them out first.', saved: (n: string) => `${n} was saved`,
    none: 'No groups yet', noneHint: 'Create a group, and give it roles where a person may have one.', company: 'The company', belongs: 'Belongs to', belongsHint: 'The owners of a subscription manage its groups.', direct: 'Direct members', members: 'Members',
    kind: 'Group', readingOne: 'Reading the group', tabs: { members: 'Members', uses: 'Used by', effective: 'Effective members' }, add: 'Add members', addTitle: (n: string) => `Add members to ${n}`, added: 'The members were added', remove: 'Remove', removeTitle: (n: string, g: string) => `Remove ${n} from ${g}?`, removeAbout: 'Every role that the group gives ends for those who have it only through here.',
    noMembers: 'Nobody is in it yet', noMembersHint: 'Add people, groups, or the holders of a job title.', open: (n: string) => `Show the members of ${n}`, fold: (n: string) => `Hide the members of ${n}`, noUses: 'It gives no role yet', noUsesHint: 'Share a workspace with the group, or include it in a service.', place: 'Where', noEffective: 'Nobody is in it, by whatever way', way: 'How', cycle: 'A group cannot contain itself',
    changedMeanwhile: 'Somebody else changed this group while you did.', leave: 'Remove from the group', removed: (n: string, g: string) => `${n} was removed from ${g}`,
  },
  import: {
    step: (n: number, what: string) => `Step ${n} of 5: ${what}`, steps: ['choose or paste', 'say what the columns are', 'look at what would happen', 'import', 'what happened'], next: 'Next', back: 'Back',
    about: 'A CSV file in UTF-8 with a head line, at most 2 MiB and 10,000 rows.', template: 'Save a template', file: 'File', pickFile: 'Choose a file', paste: 'Or paste it here', tooLarge: 'It has more than 2 MiB. Cut it into several files, each with the head line.', noRows: 'It has a head line at most, and no rows.',
    mapAbout: 'Each column of the file is one thing about a person, or is left out. The choice is remembered in this browser.', unnamed: (n: number) => `Column ${n}, without a name`, sample: (s: string) => `such as “${s.slice(0, 40)}”`, noSample: 'empty in the first row', leaveOut: 'Leave it out', needsEmail: 'One column has to be the e-mail address.',
    update: 'Change people who are registered already', updateHint: 'Off: their rows are errors.', invite: 'Send invitations', inviteHint: 'To those who are new and active.', judge: 'See what would happen',
    targets: { email: 'E-mail', given_name: 'Given name', surname: 'Surname', job_title: 'Job title', manager_email: 'E-mail of the manager', active: 'Active' },
    rows: 'Rows of the file', line: 'Line', result: 'Result', details: 'Details', show: 'Show', all: 'All', will: { created: 'new', changed: 'change', unchanged: 'skip', failed: 'error' }, done: { created: 'created', changed: 'changed', unchanged: 'skipped', failed: 'error' }, changes: (c: string) => `Changes ${c}`,
    judged: (n: string, c: string, u: string, e: string) => `${n} new, ${c} changed, ${u} as they are, ${e} with errors. Nothing is written yet.`, nothingToDo: 'No row has anything to do.', run: (n: string) => `Import ${n}`, progress: (n: string, all: string) => `${n} of ${all} rows sent`, finished: (n: string, c: string) => `${n} created, ${c} changed`, stopped: (n: string) => `Stopped. ${n} rows were not sent; what is done stays done.`, another: 'Import another file', toPeople: 'Go to the people',
  },
  secretOnce: 'It is shown this once. Copy it now.',
  me: {
    reading: 'Reading your account', tabs: { profile: 'Profile', password: 'Password', sessions: 'Sessions', tokens: 'Machine tokens', settings: 'Theme and keys' }, rest: 'Everything else is changed by an administrator of your company.', saved: 'Your name was saved',
    present: 'Present password', change: 'Change the password', passwordAbout: 'Changing it ends all your other sessions.', passwordChanged: 'The password was changed', passwordAndTokens: 'The password was changed, and your machine tokens were revoked',
    revokeTokens: 'Also revoke my machine tokens', revokeTokensHint: 'Programs that act as you by a token are refused from then on. Do it if somebody else may have made or seen one.', revokeTokensOf: (n: number) => `You have ${n}. ${n === 1 ? 'The program that uses it is' : 'Programs that use them are'} refused from then on. Do it if somebody else may have made or seen one.`, singleKeys: 'Single keys are shortcuts', singleKeysHint: 'Off: only those with Ctrl work, for those whose screen reader or voice control uses letters.', pages: 'Show long tables as pages', pagesHint: 'So that the search of the browser finds what is in them.',
  },
  tokens: {
    label: 'Machine tokens', about: 'A machine that has one of these acts as you, with all your rights, until it expires or is revoked.', none: 'You have no machine token.', nameHint: 'What it is for.', days: 'Days', daysHint: '1 to 365.', create: 'Create token', made: 'The token was created', expires: 'Expires', revoke: 'Revoke', revokeTitle: (n: string) => `Revoke ${n}?`, revokeAbout: 'Whatever uses it is refused from now on.', revoked: 'The token was revoked',
  },
  administrators: {
    about: 'Administrators manage the users of the company, and may do everything in its services.', reading: 'Reading the administrators', include: 'Include administrator', includeAbout: 'Somebody of the company who may then manage its users and everything in its services.', who: 'Person', included: (n: string) => `${n} is administrator now`,
    remove: 'Remove as administrator', last: 'The last active administrator stays: the company needs one.', removeTitle: (n: string) => `Remove ${n} as administrator?`, removeAbout: 'The person stays in the company, with every other role.', removed: (n: string) => `${n} is not administrator any more`,
  },
  roles: {
    about: 'Who holds a role, where, and how.', reading: 'Reading who holds the role', search: 'Search by name or e-mail', where: 'Where', how: 'How', through: (g: string) => `through ${g}`, direct: 'direct', none: 'Nobody holds this role', noneHint: 'Or the filter leaves out who does.',
    names: { administrator: 'Administrator', subscription_owner: 'Subscription owner', subscription_viewer: 'Subscription viewer', user: 'Service user', workspace_owner: 'Workspace owner', editor: 'Editor', developer: 'Developer', contributor: 'Contributor' },
  },
  audit: {
    about: 'Who did what to whom, when, from where, and why it was allowed. Opening the log is recorded in it, too.', kept: (d: string) => `Records are kept for ${d} days.`, keptForever: 'Records are kept for ever.', oldest: 'The oldest is of', readingLog: 'Reading the audit log', filters: 'Filters of the log', any: 'Any', anybody: 'Anybody', since: 'From day', until: 'To day',
    noMatch: 'No record fits the filter', excluding: (f: string) => `The filter “${f}” excludes most.`, nothing: 'Nothing was recorded yet', csv: 'Export CSV', ndjson: 'Export NDJSON', exporting: 'The export', exported: (n: string) => `${n} was saved`, verify: 'Verify', whole: (n: string) => `Nothing was changed or taken out: ${n} records fit together.`, broken: (at: string, why: string) => `Record ${at} does not fit: ${why}`,
    actions: [['user.', 'People'], ['administrator.', 'Administrators'], ['group.', 'Groups'], ['subscription.', 'Subscriptions'], ['workspace.', 'Workspaces'], ['workspace.access', 'Sharing'], ['diagram.', 'Diagrams'], ['session.', 'Sign-ins'], ['password.', 'Passwords'], ['token.', 'Machine tokens'], ['link.', 'One-time links'], ['policies.', 'Policies'], ['authenticator.', 'Authenticators'], ['client.', 'Clients'], ['audit.', 'The log itself']] as const,
    time: 'Time', utc: 'In UTC', who: 'Who', what: 'What', from: 'From', result: 'Result', allowed: 'allowed', refused: 'refused', reason: 'Why refused', nobody: 'Nobody signed in', repeated: (n: number) => `and ${plural(n, 'attempt')} like it`, none: 'none',
    open: 'Show all of it', record: (n: string) => `Record ${n}`, reading: 'Reading the record', action: 'Action', target: 'About', permission: 'Permission', agent: 'Browser', requestId: 'Request id', revision: 'Revision', token: 'ZedToken', hash: 'Hash', why: 'Why it was allowed', before: 'Before', after: 'After', copyJson: 'Copy as JSON',
  },
  sessions: {
    label: 'Sessions', which: (address: string, agent: string) => `It is used from ${address || 'an unknown address'}, with ${agent || 'an unknown browser'}.`, begun: 'Begun', seen: 'Last used', expires: 'Ends', address: 'From', agent: 'Browser', by: 'Signed in by', current: 'this one', end: 'End', endOthers: 'End all others', ended: 'The session was ended', allEnded: 'The sessions were ended',
    endTitle: 'End the session?', endAllTitle: 'End all sessions?', endAbout: 'Whoever uses it has to sign in again. What was not saved there may be lost.', ways: { password: 'password', link: 'one-time link', key: 'API key' } as Record<string, string>,
  },
  bulk: {
    label: 'Selected people', selected: (n: string) => `${n} selected`, all: (n: string) => `Select all ${n} that fit the filter`, allSelected: (n: string) => `All ${n} that fit the filter are selected`, none: 'Select nobody', collecting: 'Collecting who fits',
    deactivate: 'Deactivate', group: 'Add to a group', service: 'Add to a service', titles: { deactivate: 'Deactivate people', group: 'Add people to a group', service: 'Add people to a service' },
    deactivateAbout: (n: string) => `${n} lose all rights until they are activated again. Their roles are kept. Whoever must stay, such as the last administrator, is refused and stays as he is.`,
    groupAbout: (n: string) => `${n} get every role that the group gives.`, serviceAbout: (n: string) => `${n} are included as users of the service. Each takes one licence.`,
    pickGroup: 'Group', pickService: 'Service', go: 'Begin', progress: (n: string, all: string) => `${n} of ${all}`, done: (n: string, all: string) => `${n} of ${all} done`, stopped: 'Stopped. What is done stays done.',
  },
} as const
