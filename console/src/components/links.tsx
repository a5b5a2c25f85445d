// The library's controls as links of the router, so that a path that does not
// exist is a fault of types.
import type { Ref } from 'react'
import { Anchor, Button, NavLink, type AnchorProps, type ButtonProps, type NavLinkProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'

type Refs = { ref?: Ref<HTMLAnchorElement> }

export const TextLink = createLink((p: AnchorProps & Refs) => <Anchor {...p} />)
export const ButtonLink = createLink((p: ButtonProps & Refs) => <Button component="a" {...p} />)
export const RailLink = createLink((p: NavLinkProps & Refs) => <NavLink component="a" {...p} />)
