import { SimpleGrid, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { somePeople } from '../../api/portal/people'
import { texts } from '../../lib/texts'
import { domainOf, judge, wellFormed } from './email'

const t = texts.company.fields

/** Fields are what is kept of a person. */
export type Fields = { email: string; givenName: string; surname: string; jobTitle: string; managerEmail: string }
export const fieldNames = ['email', 'givenName', 'surname', 'jobTitle', 'managerEmail'] as const
export const empty: Fields = { email: '', givenName: '', surname: '', jobTitle: '', managerEmail: '' }

/** PersonFields asks for a person; the address is looked up while it is typed. */
export function PersonFields<T extends Fields>({ form, own }: { form: UseFormReturnType<T>; own?: string }) {
  const email = form.values.email
  const [asked] = useDebouncedValue(email.trim(), 300)
  const look = useQuery({
    queryKey: ['portal', 'address', asked],
    queryFn: async ({ signal }) => ({ alike: await somePeople(asked, signal), sameDomain: (await somePeople('@' + domainOf(asked), signal, 1)).length > 0 }),
    enabled: wellFormed(asked) && asked !== own,
  })
  const opinion = look.data && asked === email.trim() ? judge(email, look.data.alike, look.data.sameDomain, own) : {}
  const emailProps = form.getInputProps('email')
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <TextInput label={t.givenName} required data-autofocus {...form.getInputProps('givenName')} />
      <TextInput label={t.surname} {...form.getInputProps('surname')} />
      <TextInput label={t.email} type="email" required autoComplete="off" description={opinion.hint} {...emailProps} error={emailProps.error ?? opinion.error} />
      <TextInput label={t.jobTitle} {...form.getInputProps('jobTitle')} />
      <TextInput label={t.managerEmail} type="email" autoComplete="off" {...form.getInputProps('managerEmail')} />
    </SimpleGrid>
  )
}
