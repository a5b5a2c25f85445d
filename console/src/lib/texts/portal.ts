/** What the pages of the portal say. */
export const portal = {
  pages: {
    home: 'Home',
    firstRun: 'Welcome to Pemba', invite: 'Set your password',
  },
  deactivated: 'deactivated',
  name: 'Name', description: 'Description', role: 'Role', email: 'E-mail', givenName: 'Given name', surname: 'Surname', changed: 'Changed', owner: 'Owner', people: 'People', state: 'State',
  effects: 'What happens', notPossible: 'not possible', noEffects: 'Nothing else changes.', blocked: 'It is refused for what is marked.',
  pick: 'Type a name or an e-mail address', nobody: 'Nobody fits', searching: 'Searching',
  home: {
    about: (company: string) => `What you may open in ${company}.`,
    services: 'Services', mine: 'My workspaces', mineOrder: 'The last changed first.', processes: 'My processes', noService: 'You are in the company, but in no service yet.',
    ask: (names: string) => `Ask ${names} to include you.`, noMine: 'You have no role on a workspace yet.', noProcesses: 'No published process names you.',
    steps: 'First steps', first: ['Your account is ready.', 'Add the people of the company, under People.'], includeThem: 'Include them where they work:', shareIt: 'Create a workspace and share it with them.',
    role: (r: string) => `You are ${r.toLowerCase()}`, licences: (used: string, all: string) => `${used} of ${all} licences used`,
    noOwner: 'No active owner', open: (s: string) => `Open in ${s} Services`,
  },
  service: {
    tabs: { users: 'Users', workspaces: 'Workspaces', groups: 'Groups', settings: 'Settings' },
    loading: 'Reading the subscription', include: 'Include users', includeAbout: 'People and groups of the company who use the service. All of them are included, or none.',
    tooMany: (n: number) => `0 licences left: ${n} too many are picked`, ownedBy: (names: string) => `Owned by ${names}`,
    left: (n: number) => (n === 1 ? '1 licence left' : `${n} licences left`), create: 'Create user', createAbout: 'Creates a company user and includes him in one step.',
    included: 'Included', setRole: 'Change role', removed: (n: string) => `${n} was removed`, removeTitle: (n: string) => `Remove ${n}?`,
    removeAbout: 'Every right in this subscription ends at once, and the roles on its workspaces are cleared.', successor: 'Who gets the workspaces that would be left without an owner',
    noUsers: 'Nobody is included yet', noUsersHint: 'Include people of the company, so that they can use the service.', noMatch: 'Nobody fits',
    roleChanged: (n: string, r: string) => `${n} is ${r.toLowerCase()} now`, workspaces: 'Workspaces with a role', onlyRole: 'Role',
    noGroups: 'No groups yet', noGroupsHint: 'Groups give many people a role at once.', switchSaved: 'Saved',
    switches: {
      createOpen: ['Everybody may create workspaces', 'Any included user may create workspaces, and owns what he creates. Off: only owners of the subscription and administrators do, and owners of models may not delete them.'],
      publishOpen: ['Editors may publish', 'Editors publish and unpublish diagrams. Off: only owners do.'],
      editorShareOpen: ['Editors may share', 'Editors share their workspaces and change roles. Removing people stays with owners.'],
    } as Record<string, [string, string]>,
  },
  workspace: {
    tabs: { overview: 'Overview', access: 'Access', diagrams: 'Diagrams', activity: 'Activity' },
    kind: 'Workspace', loading: 'Reading the workspace', edit: 'Edit information', share: 'Share', open: 'Open', delete: 'Delete',
    create: (noun: string) => `Create ${noun}`, createAbout: (noun: string) => `You own the ${noun} that you create.`, created: (n: string) => `${n} was created`,
    search: 'Search by name', all: 'All', mine: 'Mine', inactive: 'Without active owner', none: (noun: string) => `No ${noun}s yet`, noneHint: (noun: string) => `A ${noun} is where people work together. Create the first one.`,
    noMatch: 'Nothing fits', deleteTitle: (n: string) => `Delete ${n}?`, deleted: (n: string) => `${n} was deleted`, saved: 'Saved',
    noDescription: 'No description', changedMeanwhile: 'Somebody else changed the name or the description while you did.', createdAt: 'Created', yourRole: 'Your role', youMay: 'You may', noRole: 'none of your own', activityNone: 'Nothing was recorded yet',
  },
  share: {
    title: (n: string) => `Share ${n}`, who: 'People or groups', role: 'Role', add: 'Add', present: 'Who has a role', also: (n: number) => `Also have access (${n})`,
    outside: (n: string) => `${n} is not in this subscription.`, include: 'Include', save: 'Save changes', saved: 'The access was changed',
    replaces: (n: string, was: string, is: string) => `${n}: ${is.toLowerCase()} instead of ${was.toLowerCase()}`, gets: (n: string, is: string) => `${n}: ${is.toLowerCase()}`, loses: (n: string, was: string) => `${n}: not ${was.toLowerCase()} any more`,
    pending: 'What will change', undo: 'Undo', notify: 'Message (goes into the audit log)', copy: 'Copy link', roleOf: (n: string) => `Role of ${n}`, removeOf: (n: string) => `Remove ${n}`,
    noRights: 'Only whoever may share this workspace can change who has access.',
  },
  diagram: {
    all: 'All', drafts: 'Drafts', publishedOnly: 'Published', step: 'The step',
    create: 'Create diagram', name: 'Name', none: 'No diagrams yet', noneHint: 'A diagram is a draft until it is published.', published: 'published', draft: 'draft',
    lock: (n: string) => `checked out by ${n}`, checkOut: 'Check out', checkIn: 'Check in', force: 'Force check-in', offline: 'Work offline', publish: 'Publish', unpublish: 'Unpublish', delete: 'Delete',
    done: (n: string, what: string) => `${n}: ${what}`, matrix: 'Permissions', matrixAbout: 'What somebody may do on each diagram.', person: 'Person', deleteTitle: (n: string) => `Delete ${n}?`, deleteAbout: 'Its content and its comments are deleted. Nobody can bring them back.',
    forceTitle: (n: string) => `Take the lock of ${n}?`, forceAbout: (who: string) => `${who} can not save any more what he has changed since he checked it out.`, comments: 'Comments', comment: 'Comment', noComments: 'No comments yet', add: 'Add comment', yes: 'yes', no: 'no',
  },
  first: {
    about: 'This installation has no company yet. The server printed a code for you.', code: 'Code', codeHint: 'Printed by the server when it started.', company: 'Name of the company', services: 'What was bought', licences: 'Licences', go: 'Begin', done: 'Everything is set up already.',
  },
  invite: {
    about: (company: string) => `You were invited to ${company}.`, reset: 'Choose a new password.', password: 'New password', again: 'The same again', differ: 'The two are not the same', go: 'Set the password and sign in', gone: 'This link is no longer good', goneHint: 'It was used or has expired. Ask for a new one.', ask: 'Send me a new link', sent: 'If the address is known, a link is on its way to it.',
    meter: ['very easy to guess', 'easy to guess', 'fair', 'good', 'very good'],
  },
} as const
