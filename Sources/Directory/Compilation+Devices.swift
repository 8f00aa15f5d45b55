import Elements
import Numbering

extension Compilation {
  /// Phones of single extensions, then those that serve several.
  mutating func compileDevices(_ context: inout TenantContext) {
    let extensions = context.path.key("extensions")
    for (index, line) in context.entry.extensions.enumerated() {
      let path = extensions.item(index, line.number).key("devices")
      for (position, device) in line.devices.enumerated() {
        compile(
          device, serving: [line.number], &context, at: path.item(position, device.username))
      }
    }
    let path = context.path.key("devices")
    for (index, device) in context.entry.devices.enumerated() {
      let path = path.item(index, device.username)
      if device.extensions.isEmpty {
        report(path.key("extensions"), "the device serves no extension; name one")
      }
      compile(device, serving: device.extensions, &context, at: path)
    }
  }

  private mutating func compile(
    _ entry: DeviceEntry, serving numbers: [String], _ context: inout TenantContext,
    at path: FieldPath
  ) {
    let name = Array(entry.username.utf8)
    let allowed = Set("-_.!~*'()&=+$,;?/".utf8)
    let isUser = name.allSatisfy {
      (48...57).contains($0) || (97...122).contains($0 | 0x20) || allowed.contains($0)
    }
    if name.isEmpty || name.count > 64 || !isUser {
      report(
        path.key("username"), "a user name is 1 to 64 letters, digits and signs of a SIP address")
    }
    let id = identities.device(entry.username, of: context.id)
    if !context.devicesByName.insert(name, id.number) {
      report(
        path.key("username"), "another device of the tenant has the user name \(entry.username)")
      return
    }
    var lines: [ExtensionID] = []
    for (index, number) in numbers.enumerated() {
      guard let line = context.lines[number] else {
        // An extension whose own number is wrong has been reported.
        if !entry.extensions.isEmpty {
          report(path.key("extensions").item(index), unknownLine(number, context))
        }
        continue
      }
      if !lines.contains(line) {
        lines.append(line)
        context.devicesByLine[number, default: []].append(id)
      }
    }
    devices.append(
      Device(
        id: id, tenant: context.id, entry: entry, extensions: lines,
        sources: networks(entry.sources, at: path.key("sources"))))
  }
}
