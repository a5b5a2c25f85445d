/** What the page of the company's settings says. */
export const settings = {
  about: 'How the people of the company sign in, and which portals they sign in to with it.',
  tabs: { policies: 'Policies', authenticators: 'Authenticators', clients: 'Clients' },
  denied: 'manage_security_policies or manage_identity_providers on the company', grants: 'An administrator of your company',
  perLine: 'One a line.',
  policies: {
    reading: 'Reading the policies', saved: 'The policies were saved', about: 'They count from the next sign-in, link or use of a session on.',
    groups: { attempts: 'Failed sign-ins', passwords: 'Passwords and links', sessions: 'Sessions', audit: 'Audit log' },
    fields: {
      failures: 'Failures before the lockout', lockoutMinutes: 'Minutes of the lockout', forgetMinutes: 'Minutes after which failures are forgotten',
      passwordLength: 'Characters of a password', linkHours: 'Hours for which a link is good',
      idleMinutes: 'Minutes without use', sessionHours: 'Hours at most', auditDays: 'Days to keep records',
    },
    hints: {
      failures: 'After so many wrong passwords the account is locked: 3 to 100.', lockoutMinutes: 'For so long nobody signs in to a locked account: 1 to 1,440.', forgetMinutes: 'After so long without another one they do not count any more: 1 to 1,440.',
      passwordLength: 'At least so many, of a new password: 8 to 128.', linkHours: 'Of invitations and new passwords: 1 to 720.',
      idleMinutes: 'A session that is not used for so long ends: 5 to 10,080.', sessionHours: 'Then it ends, however it is used: 1 to 720.', auditDays: '0 keeps them for ever; otherwise 30 to 3,650.',
    },
  },
  authenticators: {
    about: 'Identity providers of OpenID Connect. Whose e-mail address is of one of its domains signs in there; everybody else signs in with a password.',
    reading: 'Reading the authenticators', add: 'Add authenticator', none: 'People sign in with a password alone', noneHint: 'Add the identity provider of your company, and people sign in as they do everywhere else.',
    addTitle: 'Add an authenticator', editTitle: (n: string) => `Edit ${n}`, edit: 'Edit', saved: (n: string) => `${n} was saved`, changedMeanwhile: 'Somebody else changed this authenticator while you did.',
    fields: { name: 'Name', issuer: 'Issuer', clientId: 'Client id', clientSecret: 'Client secret', domains: 'Domains', allOthers: 'Takes all other domains', enabled: 'In use' },
    hints: {
      name: 'People see it where they sign in.', issuer: 'The address of the provider, such as https://login.example.com.', clientId: 'The name by which the provider knows Pemba.', clientSecret: 'The provider shows it where Pemba is registered.', secretKept: 'One is stored. Leave this empty to keep it.',
      domains: 'What stands after the @, such as example.com. A domain belongs to one authenticator.', allOthers: 'All domains that no other authenticator has. At most one takes them.', enabled: 'Off: it is kept, and its people sign in with a password.',
    },
    redirect: 'Register this address with the provider:', copy: 'Copy the address', others: 'all others', state: 'State', on: 'in use', off: 'not in use', noDomains: 'no domain',
    removeTitle: (n: string) => `Remove ${n}?`, removeAbout: (d: string) => `Its domains (${d}) become free. Whoever signed in through it needs a password: send them a new link.`, removed: (n: string) => `${n} was removed`,
  },
  clients: {
    about: 'Portals of services to which people sign in through Pemba.', issuer: (i: string) => `The issuer is ${i}`, reading: 'Reading the clients', add: 'Add client', none: 'No portal signs people in through Pemba yet', noneHint: 'Add a client for the portal of a service; it gets an id and a secret.',
    addTitle: 'Add a client', editTitle: (n: string) => `Edit ${n}`, edit: 'Edit', saved: (n: string) => `${n} was saved`, changedMeanwhile: 'Somebody else changed this client while you did.',
    fields: { service: 'Service', name: 'Name', redirectUrls: 'Redirect addresses', logoutUrls: 'Addresses after signing out', portalUrl: 'Address of the portal', public: 'Public', newSecret: 'Secret' },
    hints: {
      service: 'Only its users get in.', name: 'Administrators see it here and in the audit log.', redirectUrls: 'Where the portal takes the answer. They begin with https; http is for this machine alone.', logoutUrls: 'Where people may be sent when they sign out.', portalUrl: 'What “Open” on the page of the service leads to.', public: 'It has no secret and proves itself by PKCE alone, such as a program that runs in the browser.', newSecret: 'Of a client that is not public any more, a secret is made.',
    },
    id: 'Client id', kind: 'Proves itself by', secret: 'a secret', pkce: 'PKCE alone',
    rotate: 'New secret', rotateTitle: (n: string) => `Make a new secret of ${n}?`, rotateAbout: 'The present secret ends at once: nobody signs in to the portal until it has the new one.',
    secretTitle: (n: string) => `Secret of ${n}`, done: 'I have copied it',
    removeTitle: (n: string) => `Remove ${n}?`, removeAbout: (s: string) => `Nobody signs in to this portal of ${s} any more. Who is signed in there stays so until the portal asks again.`, removed: (n: string) => `${n} was removed`,
  },
} as const
