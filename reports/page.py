def page(document):
    return "todo"
