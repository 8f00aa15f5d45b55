import Elements
import GRDB

/// Writes alerts, within one transaction; one whose key is there already is the same one.
struct AlertWriter {
  private let rows: RowWriter

  init(_ db: GRDB.Database) throws {
    rows = try RowWriter(
      """
      INSERT INTO alert (tenant_id, alert_key, kind, severity, raised_at_ms, facts)
      VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """, in: db)
  }

  func insert(_ alert: Alert) throws {
    try rows.write([
      .number(alert.tenant?.row ?? 0), .text(alert.key), .text(alert.kind.rawValue),
      .text(alert.severity.rawValue), .number(alert.at.unixMilliseconds),
      .text(jsonText(alert.facts)),
    ])
  }

  /// `[["name","value"],…]`: every alert is written so, hence without a coder in between.
  private func jsonText(_ facts: [Alert.Fact]) -> String {
    var text: [UInt8] = []
    for fact in facts {
      text += (text.isEmpty ? "[[" : ",[").utf8
      append(fact.name, to: &text)
      text.append(UInt8(ascii: ","))
      append(fact.value, to: &text)
      text.append(UInt8(ascii: "]"))
    }
    text += (text.isEmpty ? "[]" : "]").utf8
    return String(decoding: text, as: UTF8.self)
  }

  /// In quotes, with what may not stand between them escaped (RFC 8259 §7).
  private func append(_ string: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
      case 0..<0x20: text += "\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8
      case _: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
