import Directory
import Elements
import SIP
import SIPSyntax

/// The refresh of a phone: a REGISTER that asks for the binding that is there, and for nothing else.
///
/// Nearly every REGISTER is one. What it says is compared where it stands, without a ``Registration`` of which each text would be
/// a copy. Whatever is not quite as usual goes the long way, which does the same (`RefreshTests`).
struct Refresh {
  let device: Device
  let line: Extension
  let message: Message
  let flow: Flow
  let limits: RegistrarLimits

  /// Nil where it is more than a refresh; else what to write.
  func grant(in bindings: inout BindingTable, at now: Now) -> [BindingChange]? {
    guard let contact = message.plainContact, contact.count <= limits.contactBytes,
      !message.has(.path), limits.contactsPerExtension > 1, let seconds
    else { return nil }
    let sequence = message.cseq.number
    return bindings.refreshOnly(
      line.id, sequence: sequence, granted: .seconds(Int64(seconds)), at: now
    ) { binding in
      binding.key.isContact && binding.sequence < sequence && isSame(&binding, at: contact)
    }
  }

  /// What is granted; nil for a phone that leaves, and for one that is refused.
  private var seconds: UInt32? {
    let wished = message.expires ?? limits.defaultSeconds
    guard wished > 0, wished >= limits.minimumSeconds else { return nil }
    return min(wished, limits.maximumSeconds)
  }

  /// Changes nothing: the binding is `inout` to be read where it is.
  private func isSame(_ binding: inout Binding, at contact: ByteRange) -> Bool {
    binding.flow == flow && binding.device == device.id && binding.tenant == line.tenant.id
      && binding.preference == 1000 && binding.path.isEmpty
      && says(&binding, at: contact)
  }

  private func says(_ binding: inout Binding, at contact: ByteRange) -> Bool {
    let bytes = message.bytes
    return bytes.span.says(binding.contact, at: contact)
      && bytes.span.says(binding.callID, at: message.callID)
      && bytes.span.says(binding.userAgent, at: message.first(.userAgent))
  }
}

extension Span<UInt8> {
  /// Whether those bytes are that text; no bytes are an empty one.
  fileprivate func says(_ text: String, at range: ByteRange?) -> Bool {
    guard let range else { return text.isEmpty }
    return extracting(range.range).equals(text.utf8Span.span)
  }
}
