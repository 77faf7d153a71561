// What every script for Node.js needs: its Menshen, the SDK's clients for it, and steps.
import assert from 'node:assert/strict'
import { AuthenticationClient, ManagementClient } from 'authing-node-sdk'
import { ask, menshen, step } from '../../harness/script/script.mjs'

export { ask, menshen, step }

// As one browser, phone or backend of the application; with an access token, that of somebody who is signed in.
export function application(options = {}) {
  return new AuthenticationClient({ appId: menshen.appId, appSecret: menshen.appSecret, appHost: menshen.url, ...options })
}

export function signedIn(accessToken) {
  const client = application()
  client.setAccessToken(accessToken)
  return client
}

export function management(options = {}) {
  return new ManagementClient({
    accessKeyId: menshen.accessKeyId,
    accessKeySecret: menshen.accessKeySecret,
    host: menshen.url,
    ...options,
  })
}

// The data of a success.
export function data(answer) {
  assert.equal(answer.statusCode, 200, JSON.stringify(answer))
  assert.equal(typeof answer.message, 'string')
  assert.equal(answer.apiCode, undefined)
  return answer.data
}

// What the SDK's type says of an object: each member's type, with '?' for one that may be missing.
export function shaped(object, shape) {
  assert.ok(object !== null && typeof object === 'object', `not an object: ${JSON.stringify(object)}`)
  for (const [name, type] of Object.entries(shape)) {
    const value = object[name]
    if (value === undefined && type.endsWith('?')) continue
    assert.equal(typeof value, type.replace('?', ''), `${name} of ${JSON.stringify(object)}`)
  }
  return object
}

// Members of an answer, beside others that the SDK does not know; undefined for one that must not be there.
export function has(object, members) {
  const found = Object.fromEntries(Object.keys(members).map((name) => [name, object[name]]))
  assert.deepEqual(found, members)
}

// A refusal of the operation: the SDK returns it, and throws nothing.
export function refused(answer, statusCode, apiCode) {
  assert.deepEqual({ statusCode: answer.statusCode, apiCode: answer.apiCode }, { statusCode, apiCode }, JSON.stringify(answer))
  assert.equal(typeof answer.message, 'string')
  assert.equal(answer.data, undefined)
  return answer
}

export const tokenSet = {
  access_token: 'string?',
  id_token: 'string?',
  refresh_token: 'string?',
  scope: 'string?',
  token_type: 'string',
  expire_in: 'number',
}

export const password = 'correct horse battery staple'

// A user, made as an administrator makes one.
export async function person(username, more = {}) {
  return data(await management().createUser({ username, password, ...more }))
}

// The tokens of somebody who signs in without more than a password.
export async function tokens(username) {
  return shaped(data(await application().signInByUsernamePassword({ username, password })), tokenSet)
}
