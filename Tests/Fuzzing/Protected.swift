@testable import Cleaning

/// What is stored of a file that may hold personal values or secrets: the same when it is protected again, and no personal value as it was.
func checkProtected(_ landing: [UInt8], _ contract: Contract, _ facts: CaptureFacts) {
    guard Cleaner.mustProtect(contract), let stored = protected(landing, contract) else { return }
    switch attempt(
        CleaningError.self,
        { try Cleaner.protect(ByteSource(stored), under: contract) { group, _ in Array("p1:\(group):k:bbbb".utf8) }.bytes })
    {
    case .success(let again): check(again == stored, "protected twice:\n\(shown(again))\nonce:\n\(shown(stored))")
    case .failure(let error): check(false, "a protected file that cannot be protected: \(error)\n\(shown(stored))")
    }
    guard contract.isPersonal, let (raw, _) = unpacked(stored, contract) else { return }
    var sink = PersonalSink(contract: contract, stored: stored)
    var cleaner = Cleaner(contract: contract, facts: facts)
    _ = attempt(CleaningError.self) {
        try cleaner.push(raw, to: &sink)
        return try cleaner.finish(to: &sink)
    }
}

private func protected(_ landing: [UInt8], _ contract: Contract) -> [UInt8]? {
    attempt(
        CleaningError.self,
        { try Cleaner.protect(ByteSource(landing), under: contract) { group, _ in Array("p1:\(group):k:aaaa".utf8) }.bytes }
    ).value
}

private func shown(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix(2_000), as: UTF8.self) }

/// Rows whose personal cells are pseudonyms, or say that they were hidden.
private struct PersonalSink: RowSink {
    let contract: Contract
    let stored: [UInt8]

    mutating func take(_ batch: StagedBatch) {
        for (index, column) in batch.columns.enumerated() {
            guard let source = contract.columns.first(where: { $0.name == column.name }), source.personal != nil else { continue }
            // A hole of the file name is replaced where the capture is described.
            if case .name = source.origin { continue }
            for row in 0..<batch.count where batch.cell(row, index) != StagedBatch.null {
                let text = String(decoding: batch.text(row, index), as: UTF8.self)
                let isHidden = text.hasPrefix("p1:") || text == Cleaner.redacted || text == source.fallback
                check(isHidden, "\(column.name) of row \(row) is “\(text)” in\n\(shown(stored))")
            }
        }
    }

    mutating func take(_ rejects: [Reject]) {}
}
