import { curl } from './curl.ts'
import { exim } from './exim.ts'
import { msmtp } from './msmtp.ts'
import { nodemailer } from './nodemailer.ts'
import { openSmtpd } from './opensmtpd.ts'
import { postfix } from './postfix.ts'
import type { Sender } from './sender.ts'
import { sendmail } from './sendmail.ts'
import { swaks } from './swaks.ts'

/** The real senders of the zoo. A new one is a file in this folder and a line here, at the end. */
export const senders: readonly Sender[] = [postfix, swaks, msmtp, curl, nodemailer, exim, openSmtpd, sendmail]
