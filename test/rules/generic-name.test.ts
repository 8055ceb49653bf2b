import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { genericSign } from '@sallyport/rules'
import { addressOf } from '../support/address.ts'

describe('names as networks number their customers', () => {
  // Shapes that are in use; the addresses are reserved for documentation.
  const rows: readonly (readonly [name: string, address: string, sign: string])[] = [
    ['c-203-0-113-77.hsd1.ca.example.net', '203.0.113.77', '203-0-113'],
    ['pool-203-0-113-77.nycmny.example.net', '203.0.113.77', '203-0-113'],
    ['203.0.113.77.dyn.example.net', '203.0.113.77', '203-0-113'],
    ['77.113.0.203.in-addr.example.net', '203.0.113.77', '77-113-0'],
    ['host77-113-0-203.range203-0.example.net', '203.0.113.77', '77-113-0'],
    ['host-0-113-77.example.net', '203.0.113.77', '0-113-77'],
    ['ip77.ip-203-0-113.example.eu', '203.0.113.77', '203-0-113'],
    ['lfbn-idf1-1-113-77.w203-0.abo.example.fr', '203.0.113.77', '203-0-113-77'],
    ['ec2-203-0-113-77.compute-1.example.com', '203.0.113.77', '203-0-113'],
    ['dslb-203-000-113-077.pools.example.de', '203.0.113.77', '203-0-113'],
    ['ip203000113077.example.net', '203.0.113.77', '203000113077'],
    ['3405803853.example.net', '203.0.113.77', '3405803853'],
    ['pCB00714D.dip0.example.de', '203.0.113.77', 'cb00714d'],
    ['ipcb00714d.dynamic.example.de', '203.0.113.77', 'cb00714d'],
    ['cpc1-cable77.lond.example.com', '203.0.113.77', 'cable'],
    ['adsl-pool1.example.net', '203.0.113.77', 'adsl'],
    ['dhcp12.city.example.net', '203.0.113.77', 'dhcp'],
    ['ppp9.example.net', '203.0.113.77', 'ppp'],
    ['dialup-17.example.co.uk', '203.0.113.77', 'dialup'],
    ['customer.dynamic.example.net', '203.0.113.77', 'dynamic'],
    ['CABLE-7.EXAMPLE.NET', '203.0.113.77', 'cable'],
    ['2001-db8-5-6--77.v6.example.net', '2001:db8:5:6::77', '2001-db8-5-6--77'],
    [
      '2001-0db8-0005-0006-0000-0000-0000-0077.example.net',
      '2001:db8:5:6::77',
      '2001-0db8-0005-0006-0000-0000-0000-0077',
    ],
    ['h-20010db8000500060000000000000077.example.net', '2001:db8:5:6::77', '0000000000000077'],
    ['7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.v6.example.net', '2001:db8:5:6::77', '7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0'],
    ['x.dhcp.example.net', '2001:db8:5:6::77', 'dhcp'],
  ]
  for (const [name, address, sign] of rows) {
    test(`${name} has ${sign}`, () => {
      assert.equal(genericSign(name, addressOf(address)), sign)
    })
  }
})

describe('names that somebody chose', () => {
  // Of outbound servers of large providers and of senders of bulk mail, of rented servers, and of those with luck.
  const rows: readonly (readonly [name: string, address: string])[] = [
    ['mail.example.com', '203.0.113.77'],
    ['mail-a.google.com', '203.0.113.77'],
    ['mail-wr1-f54.google.com', '209.85.221.54'],
    ['mail-yw1-x112a.google.com', '2607:f8b0:4864:20::112a'],
    ['mail-am6eur05on2042.outbound.protection.outlook.com', '40.107.22.42'],
    ['a8-31.smtp-out.amazonses.com', '54.240.8.31'],
    ['m43-7.mailgun.net', '69.72.43.7'],
    ['o1.ptr1234.sendgrid.net', '203.0.113.77'],
    ['xvfrpqwt.outbound-mail.sendgrid.net', '203.0.113.77'],
    ['mail12.suw14.mcsv.net', '198.2.177.12'],
    ['mta-239-1.sparkpostmail.com', '203.0.239.1'],
    ['mta211a-ord.mtasv.net', '203.0.113.77'],
    ['out2-smtp.messagingengine.com', '203.0.113.77'],
    ['sonic309-21.consmr.mail.ne1.yahoo.com', '203.0.113.21'],
    ['us-smtp-delivery-123.mimecast.com', '203.0.113.123'],
    ['smtp-203-0-113-77.example.com', '203.0.113.77'],
    ['static.77.113.0.203.clients.example.de', '203.0.113.77'],
    ['203-0-113-77.static.example.net', '203.0.113.77'],
    ['mail.dynamic-systems.example.com', '203.0.113.77'],
    ['web01.dynamic.com', '203.0.113.77'],
    ['www.cable.co.uk', '203.0.113.77'],
    ['poolside.example.com', '203.0.113.77'],
    ['ns1.example.net', '1.1.1.1'],
    ['srv77.example.net', '203.0.113.77'],
    ['vps-113-77.example.net', '203.0.113.77'],
    ['server-2024-11-05.example.net', '203.0.113.77'],
    ['host.example', '203.0.113.77'],
    ['example', '203.0.113.77'],
    ['ns.example.net', '2001:db8::1'],
    ['h1.example.net', '2001:db8:5:6::1'],
  ]
  for (const [name, address] of rows) {
    test(`${name} at ${address}`, () => assert.equal(genericSign(name, addressOf(address)), null))
  }
})
