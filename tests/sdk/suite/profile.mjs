// What a user sees of itself.
import assert from 'node:assert/strict'
import { application, data, management, person, refused, shaped, signedIn, step, tokens } from './menshen.mjs'

const identity = {
  extIdpId: '62f20932716fbcc10d966ee5',
  provider: 'lark',
  type: 'generic',
  userIdInIdp: 'ou_1',
  userInfoInIdp: {},
  originConnIds: [],
}
const alice = await person('alice', {
  name: '爱丽丝',
  email: 'alice@example.com',
  customData: { school: '清华' },
  identities: [identity],
})
const web = signedIn((await tokens('alice')).access_token)

await step('the profile, as an administrator sees it', async () => {
  const user = shaped(data(await web.getProfile({})), {
    userId: 'string',
    createdAt: 'string',
    updatedAt: 'string',
    status: 'string',
    workStatus: 'string',
    gender: 'string',
    emailVerified: 'boolean',
    phoneVerified: 'boolean',
    userSourceType: 'string',
  })
  assert.deepEqual(
    { userId: user.userId, name: user.name, email: user.email },
    { userId: alice.userId, name: '爱丽丝', email: 'alice@example.com' },
  )
  assert.equal(user.customData, undefined)
  assert.equal(user.identities, undefined)
  assert.deepEqual(user, data(await management().getUser({ userId: alice.userId })))
})

await step('with all that can be asked for', async () => {
  const user = data(await web.getProfile({ withCustomData: true, withIdentities: true, withDepartmentIds: true }))
  assert.deepEqual(user.customData, { school: '清华' })
  assert.equal(user.identities[0].userIdInIdp, 'ou_1')
})

await step('who is not signed in has none', async () => {
  refused(await application().getProfile({}), 401, 2020)
  refused(await signedIn('not a token').getProfile({}), 401, 2020)
})
