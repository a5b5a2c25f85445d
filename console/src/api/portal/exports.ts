import { query, stream, type Query } from '../client'
import { download } from '../../lib/download'

/** save reads a file that the server streams in parts and hands it to the browser. */
export async function save<T>(path: string, params: Query, part: (message: T) => string | undefined, name: string, type: string): Promise<void> {
  const parts: string[] = []
  for await (const message of stream<T>('GET', path + query(params), undefined)) parts.push(part(message) ?? '')
  download(name, parts.join(''), type)
}
