// What the type checker must not let pass. Nothing here runs: a line that is no mistake any more fails the compilation.
import { connect, dataOf, Refusal, type Schemas, statusesOf } from './menshen.js'

const api = connect('https://id.example.com')
const password = 'correct horse battery staple'

export async function requests() {
  // @ts-expect-error an operation that there is not
  await api.POST('/user/signup', { body: { username: 'alice', password } })
  // @ts-expect-error a method that the operation does not have
  await api.GET('/user/register', {})
  // @ts-expect-error a member of another name
  await api.POST('/user/login', { body: { userName: 'alice', password } })
  // @ts-expect-error a member too many, which openapi-fetch sees only where the body says what it is
  await api.POST('/user/login', { body: { username: 'alice', password, cod: '492039' } satisfies Schemas['LoginRequest'] })
  // @ts-expect-error a member that is missing
  await api.POST('/user/login', { body: { username: 'alice' } })
  // @ts-expect-error a body that is missing
  await api.POST('/user/login')
  // @ts-expect-error a number for a text
  await api.POST('/user/login', { body: { username: 'alice', password, code: 492039 } })
  // @ts-expect-error undefined is not absent
  await api.POST('/user/login', { body: { username: 'alice', password, code: undefined } })
  // @ts-expect-error a value that there is not
  await api.POST('/api/v1/system/user/captcha', { body: { type: 'fax', use: 'login' } })
  // @ts-expect-error a parameter that is missing
  await api.GET('/api/v3/get-qrcode-status')
  // @ts-expect-error a parameter of another name
  await api.GET('/api/v3/get-qrcode-status', { params: { query: { qrcodeID: 'unknown' } } })
}

export async function answers() {
  const answer = await api.POST('/user/login', { body: { username: 'alice', password } })
  // @ts-expect-error nobody has looked whether there is an error
  console.log(answer.data.base)
  // @ts-expect-error a refusal is HTTP 200, too, and has no data
  if (answer.data) console.log(answer.data.data.username)
  // @ts-expect-error an outcome that there is not
  if (answer.data?.base.code === 200) return
  // @ts-expect-error problem or envelope: nobody has looked which
  if (answer.error) console.log(answer.error.requestId)
  // @ts-expect-error a member of another name
  console.log(dataOf(answer).userName)
}

export async function data() {
  // @ts-expect-error an operation without data
  console.log(dataOf(await api.POST('/auth/mfa/bind', { body: { code: '492039' } })).secret)
  // @ts-expect-error an answer without envelope
  dataOf(await api.GET('/oidc/.well-known/jwks.json'))
  const factors = dataOf(await api.GET('/api/v3/list-enrolled-factors'))
  // @ts-expect-error the list may be empty
  console.log(factors[0].factorId)
  const { url } = dataOf(await api.POST('/api/v1/system/user/captcha', { body: { type: 'image', use: 'login' } }))
  // @ts-expect-error only a picture has one
  console.log(url.length)
  for await (const { status } of statusesOf(api, 'unknown')) {
    // @ts-expect-error a status that there is not
    if (status === 'CONFIRMED') return
  }
}

// @ts-expect-error a case that is missing
export function advice(status: Schemas['QRCodeStatus']): string {
  switch (status) {
    case 'PENDING':
      return 'Scan this.'
    case 'SCANNED':
      return 'Confirm on your phone.'
    case 'AUTHORIZED':
      return 'Welcome.'
    case 'CANCELLED':
    case 'EXPIRED':
      return 'Try again.'
  }
}

export class Impatience extends Refusal {
  // @ts-expect-error this replaces what a Refusal has, and does not say so
  name = 'Refusal' as const
}
