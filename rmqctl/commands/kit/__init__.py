"""What several commands share: options, lists, questions, many things at once, messages in and out."""
