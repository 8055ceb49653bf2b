/** Postfix takes commands of 512 octets with their CRLF (XCLIENT_README). */
const limit = 510

/** xtext (RFC 3461 4): what is not printable ASCII, and `+` and `=`, as +HH. */
export function xtext(value: string): string {
  let text = ''
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    const plain = code > 0x20 && code < 0x7f && code !== 0x2b && code !== 0x3d
    text += plain ? value.charAt(i) : `+${(code & 0xff).toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

/**
 * The XCLIENT commands that tell a backend who the client is. Split where they would grow too long; ADDR comes last, because
 * from then on the server may no longer take XCLIENT from us. Each must be answered with 220 before the next is sent.
 */
export function xclientCommands(attributes: readonly (readonly [name: string, value: string])[]): readonly string[] {
  const commands: string[] = []
  let command = 'XCLIENT'
  const ordered = [...attributes.filter(([name]) => name !== 'ADDR'), ...attributes.filter(([name]) => name === 'ADDR')]
  for (const [name, value] of ordered) {
    // A value over 255 characters is refused by Postfix; a HELO as long as that tells it nothing.
    const word = ` ${name}=${xtext(value)
      .slice(0, 255)
      .replace(/\+[0-9A-F]?$/, '')}`
    if (command.length + word.length > limit) {
      commands.push(command)
      command = 'XCLIENT'
    }
    command += word
  }
  commands.push(command)
  return commands
}
