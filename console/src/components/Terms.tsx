import { Fragment, type ReactNode } from 'react'
import './terms.css'

/** Terms is a list of what is known of one thing: a term and its value a line. */
export function Terms({ of }: { of: readonly (readonly [string, ReactNode])[] }) {
  return <dl className="terms">{of.map(([term, value]) => <Fragment key={term}><dt>{term}</dt><dd>{value}</dd></Fragment>)}</dl>
}
