// Codes by e-mail, in the code dialect.
import assert from 'node:assert/strict'
import { ask, step } from '../../harness/script/script.mjs'
import { dataOf, type Schemas } from '../menshen.js'
import { anybody, newcomer, password, whoami } from './person.js'

const account = 'bob@example.com'

/** A code that was asked for, and the one that is in the mail. */
async function mailed(use: Schemas['CaptchaUse']) {
  const { codeID } = dataOf(await anybody.POST('/api/v1/system/user/captcha', { body: { type: 'email', use, account } }))
  return { codeID, code: ask('sent code', account) }
}

await step('a picture, to be shown as it is', async () => {
  const { url, expire } = dataOf(await anybody.POST('/api/v1/system/user/captcha', { body: { type: 'image', use: 'login' } }))
  assert.match(url ?? '', /^data:image\/png;base64,/)
  assert.ok(expire > 0)
})

await step('register with a code', async () => {
  const body = { regType: 'email', account, ...(await mailed('register')) } as const
  const { info, token } = dataOf(await anybody.POST('/api/v1/system/user/register', { body }))
  assert.equal(info.email, account)
  assert.equal(token, undefined) // which only isWithLogin brings
})

await step('sign in with a code', async () => {
  const body = { loginType: 'email', account, ...(await mailed('login')) } as const
  const { info, token } = dataOf(await anybody.POST('/api/v1/system/user/login', { body }))
  assert.equal((await whoami(token.accessToken)).id, info.userID)
})

await step('a wrong code is refused', async () => {
  const body = { loginType: 'email', account, ...(await mailed('login')), code: 'wrong' } as const
  await assert.rejects(anybody.POST('/api/v1/system/user/login', { body }).then(dataOf), { name: 'Refusal', code: 1000005 })
})

await step('a new password ends the session', async () => {
  const carol = await newcomer('carol')
  const body = { type: 'pwd', oldPassword: password, password: 'purple guards at every door' } as const
  dataOf(await carol.POST('/api/v1/system/user/change-pwd', { body }))
  await assert.rejects(carol.POST('/api/v1/system/user/change-pwd', { body }).then(dataOf), { name: 'Refusal', code: 100005 })
})
