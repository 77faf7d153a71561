// Users and their OTP secrets, as an administrator's program manages them.
import assert from 'node:assert/strict'
import { data, has, management, password, refused, shaped, step } from './menshen.mjs'

const admin = management()
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const other = 'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U'
const identity = {
  extIdpId: '62f20932716fbcc10d966ee5',
  provider: 'lark',
  type: 'generic',
  userIdInIdp: 'ou:8bae746eac07',
  userInfoInIdp: {},
  originConnIds: [],
}
const required = {
  userId: 'string',
  createdAt: 'string',
  updatedAt: 'string',
  status: 'string',
  workStatus: 'string',
  gender: 'string',
  emailVerified: 'boolean',
  phoneVerified: 'boolean',
  userSourceType: 'string',
}
const profile = {
  name: '爱丽丝',
  nickname: 'Ally',
  photo: 'https://example.com/a.png',
  gender: 'F',
  birthdate: '2000-02-29',
  country: 'CN',
  province: '北京',
  city: '北京',
  address: '长安街 1',
  streetAddress: '1 & 2 = 3?',
  postalCode: '100000',
  company: 'Menshen',
  browser: 'b',
  device: 'd',
  givenName: 'A',
  familyName: 'L',
  middleName: 'M',
  profile: 'https://example.com/a',
  preferredUsername: 'al',
  website: 'https://example.com',
  zoneinfo: 'Asia/Shanghai',
  locale: 'zh-CN',
  formatted: 'f',
  region: 'r',
}

let alice, bob

await step('create a user with all that Menshen keeps', async () => {
  alice = shaped(
    data(
      await admin.createUser({
        ...profile,
        username: 'alice',
        email: 'alice+tag@example.com',
        phone: '13800138000',
        phoneCountryCode: '+86',
        externalId: 'crm:10010',
        password,
        emailVerified: true,
        phoneVerified: false,
        status: 'Activated',
        customData: { school: '清华', level: 3, tags: ['a', 'b'] },
        identities: [identity],
        otp: { secret, recoveryCode: 'e7ad-aaa4-da75-fa37-57d1-5141' },
      }),
    ),
    required,
  )
  const {
    userId,
    username,
    email,
    emailVerified,
    phoneVerified,
    phone,
    phoneCountryCode,
    externalId,
    status,
    workStatus,
    userSourceType,
  } = alice
  assert.match(userId, /^[0-9a-f]{24}$/)
  assert.deepEqual(
    { username, email, emailVerified, phoneVerified, phone, phoneCountryCode, externalId, status, workStatus, userSourceType },
    {
      username: 'alice',
      email: 'alice+tag@example.com',
      emailVerified: true,
      phoneVerified: false,
      phone: '13800138000',
      phoneCountryCode: '+86',
      externalId: 'crm:10010',
      status: 'Activated',
      workStatus: 'Active',
      userSourceType: 'adminCreated',
    },
  )
  assert.ok(Math.abs(Date.now() - Date.parse(alice.createdAt)) < 600_000, alice.createdAt)
})

await step('the profile is as it was given', async () => {
  const user = shaped(data(await admin.getUser({ userId: alice.userId })), required)
  for (const [name, value] of Object.entries(profile)) assert.deepEqual(user[name], value, name)
  assert.equal(user.customData, undefined)
  assert.equal(user.identities, undefined)
})

await step('custom data and identities are told when they are asked for', async () => {
  const user = data(await admin.getUser({ userId: alice.userId, withCustomData: true, withIdentities: true }))
  assert.deepEqual(user.customData, { school: '清华', level: 3, tags: ['a', 'b'] })
  assert.equal(user.identities.length, 1)
  shaped(user.identities[0], { identityId: 'string', extIdpId: 'string', provider: 'string', userIdInIdp: 'string' })
  assert.equal(user.identities[0].userIdInIdp, 'ou:8bae746eac07')
})

await step('an identity has all members of its type', async () => {
  const [told] = data(await admin.getUser({ userId: alice.userId, withIdentities: true })).identities
  shaped(told, { type: 'string', userInfoInIdp: 'object', originConnIds: 'object' })
  assert.ok(Array.isArray(told.originConnIds))
})

await step('create a user with a name and no more, and undefined members', async () => {
  bob = shaped(data(await admin.createUser({ username: 'bob', email: undefined, customData: undefined })), required)
  assert.equal(bob.gender, 'U')
})

const names = {
  user_id: () => alice.userId,
  username: () => 'alice',
  email: () => 'alice+tag@example.com',
  phone: () => '+8613800138000',
  external_id: () => 'crm:10010',
  identity: () => '62f20932716fbcc10d966ee5:ou:8bae746eac07',
  sync_relation: () => 'lark:ou:8bae746eac07',
}
for (const [userIdType, userId] of Object.entries(names)) {
  await step(`find user and secret by ${userIdType}`, async () => {
    assert.equal(data(await admin.getUser({ userId: userId(), userIdType })).userId, alice.userId)
    has(data(await admin.getOtpSecretByUser({ userId: userId(), userIdType })), { secret })
    assert.equal(data(await admin.getUserMfaInfo({ userId: userId(), userIdType })).totpStatus, 'enabled')
  })
}

await step('an identifier counts only as the type that it is given as', async () => {
  refused(await admin.getUser({ userId: 'alice' }), 404, 2004)
  refused(await admin.getOtpSecretByUser({ userId: 'nobody@example.com', userIdType: 'email' }), 404, 2004)
  refused(await admin.getUserMfaInfo({ userId: 'lark:nobody', userIdType: 'sync_relation' }), 404, 2004)
})

await step('who has which factors', async () => {
  has(data(await admin.getUserMfaInfo({ userId: alice.userId })), {
    totpStatus: 'enabled',
    faceMfaStatus: 'disabled',
    smsMfaStatus: 'disabled',
    emailMfaStatus: 'disabled',
  })
  assert.equal(data(await admin.getUserMfaInfo({ userId: bob.userId })).totpStatus, 'disabled')
})

await step('who has no authenticator has no secret', async () => {
  refused(await admin.getOtpSecretByUser({ userId: bob.userId }), 404, undefined)
})

await step('import an authenticator', async () => {
  data(
    await admin.importOtp({
      list: [{ userId: bob.userId, otp: { secret: other.toLowerCase(), recoveryCode: 'aaaa-bbbb-cccc-dddd-eeee-ffff' } }],
    }),
  )
  has(data(await admin.getOtpSecretByUser({ userId: bob.userId })), { secret: other })
})

await step('an import may be repeated, and replaces nothing', async () => {
  data(await admin.importOtp({ list: [{ userId: bob.userId, otp: { secret: other } }] }))
  refused(await admin.importOtp({ list: [{ userId: bob.userId, otp: { secret } }] }), 409, undefined)
  refused(await admin.importOtp({ list: [{ userId: 'nobody', otp: { secret } }] }), 404, 2004)
  has(data(await admin.getOtpSecretByUser({ userId: bob.userId })), { secret: other })
})

await step('what is taken is told by its number', async () => {
  refused(await admin.createUser({ username: 'Alice' }), 409, 2034)
  refused(await admin.createUser({ email: 'alice+tag@EXAMPLE.com' }), 409, 2200)
  refused(await admin.createUser({ phone: '138 0013 8000' }), 409, 2035)
  refused(await admin.createUser({ username: 'carol', externalId: 'crm:10010' }), 409, 2026)
  refused(await admin.createUser({ username: 'carol', identities: [identity] }), 409, 1640)
})

await step('what would not be kept is refused, with HTTP 200', async () => {
  for (const more of [
    { departmentIds: ['a'] },
    { identityNumber: '1' },
    { metadataSource: {} },
    { options: {} },
    { salt: 's' },
    { tenantIds: ['t'] },
  ]) {
    refused(await admin.createUser({ username: 'carol', ...more }), 422, undefined)
  }
  refused(await admin.createUser({ nickname: 'Carol' }), 400, undefined)
})

await step('a password that is too short is refused, with HTTP 200', async () => {
  refused(await admin.createUser({ username: 'carol', password: 'short' }), 400, 2061)
})

await step('an address that is none is refused, with HTTP 200', async () => {
  refused(await admin.createUser({ email: 'carol' }), 400, undefined)
})
