import { post } from '../../api/client'
import type { ServiceJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { ClientJson, SaveClientResponseJson } from '../../api/gen/pemba/portal/v1/settings_pb'
import { path, useChange } from '../../api/portal/lists'
import { asLines, lines } from './lines'

export type Values = { service: ServiceJson; name: string; redirectUrls: string; logoutUrls: string; portalUrl: string; public: boolean }

export const valuesOf = (c: ClientJson | undefined): Values => ({
  service: c?.service ?? 'SERVICE_MODELER', name: c?.name ?? '', redirectUrls: asLines(c?.redirectUrls), logoutUrls: asLines(c?.logoutUrls), portalUrl: c?.portalUrl ?? '', public: c?.public ?? false,
})

/** useSaveClient writes a whole client; newSecret replaces the secret of one that has an id. */
export const useSaveClient = () =>
  useChange(({ id, values: v, seen, newSecret }: { id: string; values: Values; seen: string; newSecret: boolean }) =>
    post<SaveClientResponseJson>(path('clients'), {
      id, service: v.service, name: v.name, redirectUrls: lines(v.redirectUrls), logoutUrls: lines(v.logoutUrls), public: v.public, portalUrl: v.portalUrl.trim(), newSecret, ifVersion: seen,
    }))
