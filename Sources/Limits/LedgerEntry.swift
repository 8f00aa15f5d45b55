package import Elements

/// One change of the ledger, complete in itself: effects and not questions, so that a replay needs no clock,
/// no zone and no rate deck.
package struct LedgerEntry: Hashable, Sendable {
  package func encode(into writer: inout ByteWriter) {}

  package init(from reader: inout ByteReader) throws(ByteCodingError) {}
}
