"""From documents to texts of word ids: tokenizing, counting words, encoding."""
