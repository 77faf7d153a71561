// Somebody with an account and a session, for stories that begin after that.
import { menshen } from '../../harness/script/script.mjs'
import { connect, dataOf } from '../menshen.js'

export const password = 'correct horse battery staple'

/** Nobody in particular: a page, or a phone, that has no session. */
export const anybody = connect(menshen.url)

/** The client of somebody who has just registered and signed in. */
export async function newcomer(username: string) {
  const body = { username, password }
  dataOf(await anybody.POST('/user/register', { body }))
  const answer = await anybody.POST('/user/login', { body })
  dataOf(answer)
  return connect(menshen.url, answer.response.headers.get('Access-Token') ?? undefined)
}

/** The user of a session, whichever dialect it began in. */
export const whoami = async (accessToken?: string) => dataOf(await connect(menshen.url, accessToken).GET('/user/info'))
